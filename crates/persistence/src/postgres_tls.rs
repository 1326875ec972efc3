//! TLS to PostgreSQL, through rustls: the server's chain and name are always verified.

use diesel::ConnectionError;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::postgres_url::TlsRoots;

/// A connector that trusts `roots`.
///
/// # Errors
/// When the authorities cannot be read or there is none.
pub(crate) fn connector(roots: &TlsRoots) -> Result<MakeRustlsConnect, ConnectionError> {
    let store = root_store(roots).map_err(ConnectionError::BadConnection)?;
    let config =
        ClientConfig::builder_with_provider(rustls::crypto::aws_lc_rs::default_provider().into())
            .with_safe_default_protocol_versions()
            .map_err(|error| ConnectionError::BadConnection(error.to_string()))?
            .with_root_certificates(store)
            .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

fn root_store(roots: &TlsRoots) -> Result<RootCertStore, String> {
    let mut store = RootCertStore::empty();
    match roots {
        TlsRoots::System => {
            store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
        TlsRoots::File(path) => {
            let shown = path.display();
            let certificates = CertificateDer::pem_file_iter(path)
                .map_err(|error| format!("sslrootcert {shown} cannot be read: {error}"))?;
            for certificate in certificates {
                let certificate = certificate
                    .map_err(|error| format!("sslrootcert {shown} is no PEM: {error}"))?;
                store
                    .add(certificate)
                    .map_err(|error| format!("sslrootcert {shown}: {error}"))?;
            }
        }
    }
    if store.is_empty() {
        return Err("no certificate authority is known: name one with sslrootcert=PATH".to_owned());
    }
    Ok(store)
}
