//! Panics reach the caller of a guest: message, file and line are handed to the host before the module traps.

#[cfg(any(target_arch = "wasm32", test))]
use {
    aingle_wasm_codec::GuestError,
    aingle_wasm_types::GuestErrorKind,
    alloc::string::{String, ToString},
    alloc::vec::Vec,
    core::fmt::Display,
    core::panic::Location,
};

/// Installs the panic hook, once. Called wherever the host enters the kit, because a module without a start function has
/// no earlier moment.
#[cfg(all(target_arch = "wasm32", feature = "std"))]
pub(crate) fn install_hook() {
    static INSTALL: std::sync::Once = std::sync::Once::new();
    INSTALL.call_once(|| {
        std::panic::set_hook(std::boxed::Box::new(|info| {
            let message = text_of(info.payload()).unwrap_or("panicked");
            crate::system::report(&encoded(message, info.location()));
        }));
    });
}

/// Without `std` there is no hook, and on other targets the test harness has its own.
#[cfg(not(all(target_arch = "wasm32", feature = "std")))]
pub(crate) fn install_hook() {}

/// Reports a panic to the host: for the panic handler of a guest without `std`, which ends in `unreachable` after it.
#[cfg(all(target_arch = "wasm32", not(feature = "std")))]
pub fn report_panic(info: &core::panic::PanicInfo<'_>) {
    crate::system::report(&encoded(info.message(), info.location()));
}

#[cfg(all(target_arch = "wasm32", feature = "std"))]
fn text_of(payload: &(dyn core::any::Any + Send)) -> Option<&str> {
    let literal = payload.downcast_ref::<&str>().copied();
    literal.or_else(|| payload.downcast_ref::<String>().map(String::as_str))
}

#[cfg(any(target_arch = "wasm32", test))]
fn encoded(message: impl Display, location: Option<&Location<'_>>) -> Vec<u8> {
    let error = GuestError::new(GuestErrorKind::Panic, message.to_string());
    match location {
        Some(place) => error.at(relative(place.file()), place.line()).encode(),
        None => error.encode(),
    }
}

/// `file` without the folders of the machine it was compiled on: from the crate's own folder, the one that holds `src`,
/// or else the bare name. A relative path stays as it is.
#[cfg(any(target_arch = "wasm32", test))]
fn relative(file: &str) -> String {
    let file = file.replace('\\', "/");
    let is_absolute = file.starts_with('/') || file.get(1..3) == Some(":/");
    if !is_absolute {
        return file;
    }
    let crate_folder = file.rfind("/src/").map_or(file.as_str(), |at| &file[..at]);
    let begin = crate_folder.rfind('/').map_or(0, |at| at + 1);
    file[begin..].to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use aingle_wasm_codec::ErrorPayload;

    #[test]
    fn files_are_named_relative_to_their_crate() {
        for (file, expected) in [
            ("src/lib.rs", "src/lib.rs"),
            ("summary/src/csv.rs", "summary/src/csv.rs"),
            ("/home/me/kit/src/deep/mod.rs", "kit/src/deep/mod.rs"),
            (r"C:\work\kit\src\lib.rs", "kit/src/lib.rs"),
            ("/tmp/main.rs", "main.rs"),
            ("", ""),
        ] {
            assert_eq!(relative(file), expected);
        }
    }

    #[test]
    fn panic_is_a_structured_error_with_its_place() {
        let place = Location::caller();
        let payload = encoded(format_args!("index {}", 7), Some(place));
        let ErrorPayload::Structured(error) = ErrorPayload::decode(&payload) else {
            panic!("not structured");
        };
        assert_eq!(
            (error.kind, &*error.message),
            (GuestErrorKind::Panic, "index 7")
        );
        assert!(error.file.ends_with("src/panic.rs") && !error.file.starts_with('/'));
        assert_eq!(error.line, place.line());
    }
}
