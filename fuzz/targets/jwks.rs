//! Any bytes as a key set: never a panic, and the emulator's keys never count where they are not accepted.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    let strict = auth::fuzzing::key_set(body, false);
    let lenient = auth::fuzzing::key_set(body, true);
    match (strict, lenient) {
        (None, None) => {}
        (Some((fewer, skipped)), Some((more, skipped_too))) => {
            assert!(fewer <= more && more <= fewer + 1);
            assert_eq!(fewer + skipped, more + skipped_too);
        }
        sets => panic!("the two readings differ: {sets:?}"),
    }
});
