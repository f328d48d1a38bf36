//! Attribute macros of the aingle-wasm guest kit. Use them through `aingle_wasm_guest`.
#![forbid(unsafe_code)]

mod expand;
mod types;

use proc_macro::TokenStream;

/// Exports a plain function to the host under its own name.
///
/// The function takes nothing or one parameter: `&[u8]`, `Vec<u8>`, `&str` or `String` get the input as it is, any
/// other type is read from JSON (feature `serde`). It returns a value or a `Result` of one: `()`, `&[u8]`, `Vec<u8>`,
/// `&str`, `String` and `Output` are sent as they are, any other type is written as JSON. An error needs `Display` and
/// is sent as text; a `GuestError` keeps its kind, file and line.
///
/// The function itself stays as it is and can be called and tested as before. In a crate that forbids `unsafe` code the
/// attribute does not compile, because exporting a name is an unsafe attribute to the compiler.
#[proc_macro_attribute]
pub fn aingle_export(attribute: TokenStream, item: TokenStream) -> TokenStream {
    expand::expand(attribute.into(), item.into())
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}
