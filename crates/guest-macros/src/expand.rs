//! From the annotated function to the function and its export.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Error, FnArg, ItemFn, Type};

use crate::types::{Form, input_form, returned};

/// The function as written, followed by the extern function that the host calls.
pub(crate) fn expand(attribute: TokenStream, item: TokenStream) -> syn::Result<TokenStream> {
    if !attribute.is_empty() {
        return Err(Error::new_spanned(
            attribute,
            "aingle_export takes no arguments",
        ));
    }
    let function: ItemFn = syn::parse2(item)?;
    check_signature(&function)?;
    let export = export(&function)?;
    Ok(quote! { #function #export })
}

fn export(function: &ItemFn) -> syn::Result<TokenStream> {
    let name = &function.sig.ident;
    let exported_as = name.to_string().trim_start_matches("r#").to_owned();
    let hidden = format_ident!("__aingle_export_{}", exported_as);
    let configuration = function.attrs.iter().filter(|a| a.path().is_ident("cfg"));
    let (input, call) = match parameter(function)? {
        Some(ty) => (input(ty)?, quote! { #name(input) }),
        None => (quote! { let _ = (ptr, len); }, quote! { #name() }),
    };
    let reply = reply(function, &call);
    Ok(quote! {
        #(#configuration)*
        #[doc(hidden)]
        #[allow(dead_code, clippy::unit_arg)]
        #[cfg_attr(target_arch = "wasm32", unsafe(export_name = #exported_as))]
        extern "C" fn #hidden(ptr: u32, len: u32) -> u64 {
            #input
            #reply
        }
    })
}

/// Statements that bind `input`, or return the error to the host.
fn input(ty: &Type) -> syn::Result<TokenStream> {
    let read = match input_form(ty)? {
        Form::Plain => quote! { ::aingle_wasm_guest::FromInput::from_input },
        Form::Json => quote! { ::aingle_wasm_guest::__private::json_input },
    };
    Ok(quote! {
        let input: #ty = ::aingle_wasm_guest::try_result!(
            ::aingle_wasm_guest::host_args(ptr, len).and_then(#read)
        );
    })
}

/// The expression of the packed result.
fn reply(function: &ItemFn, call: &TokenStream) -> TokenStream {
    let returned = returned(&function.sig.output);
    let value = match returned.is_result {
        true => quote! { ::aingle_wasm_guest::try_result!(#call) },
        false => call.clone(),
    };
    match returned.form {
        Form::Plain => quote! { ::aingle_wasm_guest::IntoReply::into_reply(#value) },
        Form::Json => quote! { ::aingle_wasm_guest::__private::json_reply(&#value) },
    }
}

fn parameter(function: &ItemFn) -> syn::Result<Option<&Type>> {
    let mut parameters = function.sig.inputs.iter();
    match (parameters.next(), parameters.next()) {
        (None, _) => Ok(None),
        (Some(FnArg::Typed(typed)), None) => Ok(Some(&typed.ty)),
        (Some(FnArg::Receiver(receiver)), _) => Err(Error::new_spanned(
            receiver,
            "a method cannot be exported: export a function that calls it",
        )),
        (_, Some(second)) => Err(Error::new_spanned(
            second,
            "an exported function takes one parameter: put several values into one type",
        )),
    }
}

fn check_signature(function: &ItemFn) -> syn::Result<()> {
    let signature = &function.sig;
    if let Some(token) = &signature.asyncness {
        return Err(Error::new_spanned(
            token,
            "an async function cannot be exported: nothing would drive it",
        ));
    }
    if signature.generics.type_params().next().is_some()
        || signature.generics.const_params().next().is_some()
    {
        return Err(Error::new_spanned(
            &signature.generics,
            "a generic function cannot be exported",
        ));
    }
    if let Some(token) = &signature.unsafety {
        return Err(Error::new_spanned(
            token,
            "an unsafe function cannot be exported: any input may come",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expansion(item: TokenStream) -> String {
        expand(TokenStream::new(), item).unwrap().to_string()
    }

    fn refusal(item: TokenStream) -> String {
        expand(TokenStream::new(), item).unwrap_err().to_string()
    }

    #[test]
    fn function_is_kept_and_exported_under_its_name() {
        let function =
            quote! { pub fn greet(input: &str) -> Result<String, Error> { work(input) } };
        let code = expansion(function.clone());
        assert!(code.starts_with(&function.to_string()));
        assert!(code.contains(r#"export_name = "greet""#));
        assert!(
            code.contains("extern \"C\" fn __aingle_export_greet (ptr : u32 , len : u32) -> u64")
        );
        assert!(
            code.contains("FromInput :: from_input") && code.contains("IntoReply :: into_reply")
        );
    }

    #[test]
    fn other_types_go_through_json() {
        let code = expansion(quote! { fn total(order: Order) -> Total { order.total() } });
        assert!(code.contains("json_input") && code.contains("json_reply"));
        assert!(!code.contains("IntoReply"));
    }

    #[test]
    fn raw_names_and_conditions_are_carried_over() {
        let code = expansion(quote! { #[cfg(feature = "x")] fn r#loop() {} });
        assert!(code.contains(r#"export_name = "loop""#));
        assert_eq!(code.matches(r#"cfg (feature = "x")"#).count(), 2);
    }

    #[test]
    fn what_cannot_be_exported_is_refused_with_the_reason() {
        assert!(refusal(quote! { async fn f() {} }).contains("async"));
        assert!(refusal(quote! { fn f<T>(t: T) {} }).contains("generic"));
        assert!(refusal(quote! { unsafe fn f() {} }).contains("unsafe"));
        assert!(refusal(quote! { fn f(a: u8, b: u8) {} }).contains("one parameter"));
        assert!(refusal(quote! { fn f(&self) {} }).contains("method"));
        assert!(refusal(quote! { fn f(a: &Order) {} }).contains("by value"));
        assert!(refusal(quote! { struct S; }).contains("fn"));
        let with_argument = expand(quote! { name = "x" }, quote! { fn f() {} });
        assert!(
            with_argument
                .unwrap_err()
                .to_string()
                .contains("no arguments")
        );
    }
}
