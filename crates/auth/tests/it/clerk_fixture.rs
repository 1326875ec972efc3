//! Clerk's own public test token and key, from the fixtures of its JavaScript backend SDK (clerk/javascript, MIT).

use auth::{AuthConfig, Verifier};
use chrono::DateTime;

use crate::scripted_source::ScriptedSource;

const TOKEN: &str = "eyJhbGciOiJSUzI1NiIsImtpZCI6Imluc18yR0lvUWhiVXB5MGhYN0IyY1ZrdVRNaW5Yb0QiLCJ0eXAiOiJKV1QifQ.eyJhenAiOiJodHRwczovL2FjY291bnRzLmluc3BpcmVkLnB1bWEtNzQubGNsLmRldiIsImV4cCI6MTY2NjY0ODMxMCwiaWF0IjoxNjY2NjQ4MjUwLCJpc3MiOiJodHRwczovL2NsZXJrLmluc3BpcmVkLnB1bWEtNzQubGNsLmRldiIsIm5iZiI6MTY2NjY0ODI0MCwic2lkIjoic2Vzc18yR2JEQjRlbk5kQ2E1dlMxenBDM1h6Zzl0SzkiLCJzdWIiOiJ1c2VyXzJHSXBYT0VwVnlKdzUxcmtabjlLbW5jNlN4ciJ9.j3rB92k32WqbQDkFB093H4GoQsBVLH4HLGF6ObcwUaVGiHC8SEu6T31FuPf257SL8A5sSGtWWM1fqhQpdLohgZb_hbJswGBuYI-Clxl9BtpIRHbWFZkLBIj8yS9W9aVtD3fWBbF6PHx7BY1udio-rbGWg1YAOZNtVcxF02p-MvX-8XIK92Vwu3Un5zyfCoVIg__qo3Xntzw3tznsZ4XDe212c6kVz1R_L1d5DKjeWXpjUPAS_zFeZSIJEQLf4JNr4JCY38tfdnc3ajfDA3p36saf1XwmTdWXQKCXi75c2TJAXROs3Pgqr5Kw_5clygoFuxN5OEMhFWFSnvIBdi3M6w";
const N: &str = "qYy3MY8fOneEyzNDu9lp6iGXKkNUF-u_dUnrlkadZYyB35efzKFJEr9fftmWv5PUj1uRHTQ3bh6X1cceOYsIjy008dHWZJsKhGOxgdTjeK91rjaklxt7tyFXEiKHIOr1LSgKzopClOfCIjxK_oPUOf38pVh7WnekcSBQmU5fqA-EzKMi6k9VwvbzqKlZM4XQsiFyn28d9VubJWjTU8nNot0n1NE-9k6TxM8nglM4RwkBH4Ni4B0LhKKOOV-AG8tBNiZVil415dpBldmJ_j0wk7Ad4VFi9en3Z17oCKr-K-zuT7vKMKSb1548dk0vnmi0vj2QGXSo-61wM5yQWpk6sQ";

fn config() -> AuthConfig {
    AuthConfig {
        authorized_parties: vec!["https://accounts.inspired.puma-74.lcl.dev".to_owned()],
        ..AuthConfig::new("https://clerk.inspired.puma-74.lcl.dev")
    }
}

#[tokio::test]
async fn clerks_token_is_accepted_at_its_time_and_not_a_minute_later() {
    let source = ScriptedSource::failing();
    source.answer(format!(
        r#"{{"keys":[{{"use":"sig","kty":"RSA","kid":"ins_2GIoQhbUpy0hX7B2cVkuTMinXoD","alg":"RS256","n":"{N}","e":"AQAB"}}]}}"#
    ));
    let verifier = source.verifier(&config());
    let issued = DateTime::from_timestamp(1_666_648_250, 0).unwrap();
    let session = verifier.verify(TOKEN, issued).await.unwrap();
    assert_eq!(session.user_id, "user_2GIpXOEpVyJw51rkZn9Kmnc6Sxr");
    assert_eq!(session.session_id, "sess_2GbDB4enNdCa5vS1zpC3Xzg9tK9");
    let later = DateTime::from_timestamp(1_666_648_250 + 65, 0).unwrap();
    assert_eq!(
        verifier.verify(TOKEN, later).await.unwrap_err().code(),
        "token_expired"
    );
}

#[tokio::test]
async fn clerks_token_is_refused_by_another_key() {
    let other = AuthConfig {
        jwt_key: Some(crate::minting::FIRST.pem()),
        ..config()
    };
    let issued = DateTime::from_timestamp(1_666_648_250, 0).unwrap();
    let refusal = Verifier::new(&other)
        .unwrap()
        .verify(TOKEN, issued)
        .await
        .unwrap_err();
    assert_eq!(refusal.code(), "signature_invalid");
}
