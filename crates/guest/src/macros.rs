//! The short forms that guests are written with.

/// Declares host functions, imported from module `env` under exactly these names.
///
/// Each becomes a function `(ptr: u32, len: u32) -> u64`, to be called through [`call_host!`](crate::call_host!).
///
/// ```
/// use aingle_wasm_guest::prelude::*;
///
/// host_externs!(lookup, __my_host_fn);
///
/// #[aingle_export]
/// fn twice(input: &[u8]) -> Result<Vec<u8>, GuestError<'static>> {
///     call_host!(lookup, call_host!(__my_host_fn, input)?)
/// }
/// # assert!(twice(b"").unwrap_err().message.contains("__my_host_fn"));
/// ```
#[macro_export]
macro_rules! host_externs {
    ($($name:ident),+ $(,)?) => {
        $(
            /// Host function.
            #[cfg(target_arch = "wasm32")]
            #[allow(dead_code)]
            extern "C" fn $name(ptr: u32, len: u32) -> u64 {
                #[link(wasm_import_module = "env")]
                unsafe extern "C" {
                    safe fn $name(ptr: u32, len: u32) -> u64;
                }
                $name(ptr, len)
            }

            /// Host function.
            #[cfg(not(target_arch = "wasm32"))]
            #[allow(dead_code)]
            extern "C" fn $name(_ptr: u32, _len: u32) -> u64 {
                $crate::__private::missing_host_function(stringify!($name))
            }
        )+
    };
}

/// Calls a host function with bytes or text: `call_host!(name, payload)` is a `Result<Vec<u8>, GuestError>`.
///
/// See [`call_host`](crate::call_host()) for the errors.
#[macro_export]
macro_rules! call_host {
    ($function:path, $payload:expr $(,)?) => {
        $crate::call_host($function, ::core::convert::AsRef::<[u8]>::as_ref(&$payload))
    };
}

/// The value of a `Result`, or returns its error to the host from a function `-> u64`.
///
/// With a second argument, that is returned instead of the error.
///
/// ```
/// use aingle_wasm_guest::prelude::*;
///
/// #[unsafe(no_mangle)]
/// pub extern "C" fn double(ptr: u32, len: u32) -> u64 {
///     let input = try_result!(host_args(ptr, len));
///     let text = try_result!(std::str::from_utf8(input), "send UTF-8");
///     let number: u64 = try_result!(text.parse());
///     return_ok((number * 2).to_string().as_bytes())
/// }
/// # assert_eq!(aingle_wasm_guest::native::call(double, b"21").unwrap(), b"42");
/// ```
#[macro_export]
macro_rules! try_result {
    ($result:expr $(,)?) => {
        match $result {
            ::core::result::Result::Ok(value) => value,
            ::core::result::Result::Err(error) => return $crate::return_error(error),
        }
    };
    ($result:expr, $message:expr $(,)?) => {
        match $result {
            ::core::result::Result::Ok(value) => value,
            ::core::result::Result::Err(_) => return $crate::return_error($message),
        }
    };
}

/// A [`GuestError`](crate::GuestError) made here: `wasm_error!("format", …)` or `wasm_error!(kind, "format", …)`.
///
/// It carries the file and line of this place; without a kind it is [`GuestErrorKind::Unknown`](crate::GuestErrorKind).
#[macro_export]
macro_rules! wasm_error {
    ($format:literal $($arguments:tt)*) => {
        $crate::wasm_error!($crate::GuestErrorKind::Unknown, $format $($arguments)*)
    };
    ($kind:expr, $format:literal $($arguments:tt)*) => {
        $crate::GuestError::new($kind, $crate::__private::format!($format $($arguments)*))
            .at(::core::file!(), ::core::line!())
    };
}
