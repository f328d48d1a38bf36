//! What the types of an exported function mean, judged by how they are written.

use syn::{GenericArgument, PathArguments, ReturnType, Type};

/// How a value crosses: as the payload itself, or as JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Plain,
    Json,
}

/// What a function returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Returned {
    /// Form of the value, or of a `Result`'s value.
    pub(crate) form: Form,
    pub(crate) is_result: bool,
}

/// The form of a parameter of type `ty`.
pub(crate) fn input_form(ty: &Type) -> syn::Result<Form> {
    match ty {
        Type::Reference(reference)
            if is_bytes(&reference.elem) || is_named(&reference.elem, "str") =>
        {
            Ok(Form::Plain)
        }
        Type::Reference(_) => Err(syn::Error::new_spanned(
            ty,
            "a borrowed parameter is `&[u8]` or `&str`; take other types by value",
        )),
        Type::Paren(inner) => input_form(&inner.elem),
        Type::Group(inner) => input_form(&inner.elem),
        _ => Ok(owned_form(ty)),
    }
}

/// The form of what a function returns.
pub(crate) fn returned(output: &ReturnType) -> Returned {
    let ReturnType::Type(_, ty) = output else {
        return Returned {
            form: Form::Plain,
            is_result: false,
        };
    };
    let value = result_value(ty);
    Returned {
        form: value_form(value.unwrap_or(ty)),
        is_result: value.is_some(),
    }
}

fn value_form(ty: &Type) -> Form {
    match ty {
        Type::Reference(reference)
            if is_bytes(&reference.elem) || is_named(&reference.elem, "str") =>
        {
            Form::Plain
        }
        Type::Tuple(tuple) if tuple.elems.is_empty() => Form::Plain,
        Type::Paren(inner) => value_form(&inner.elem),
        Type::Group(inner) => value_form(&inner.elem),
        _ if is_named(ty, "Output") => Form::Plain,
        _ => owned_form(ty),
    }
}

fn owned_form(ty: &Type) -> Form {
    let is_byte_vector =
        is_named(ty, "Vec") && first_argument(ty).is_some_and(|of| is_named(of, "u8"));
    match is_byte_vector || is_named(ty, "String") {
        true => Form::Plain,
        false => Form::Json,
    }
}

/// The value type of a `Result`, under whatever path and with or without an error type.
fn result_value(ty: &Type) -> Option<&Type> {
    match ty {
        Type::Paren(inner) => result_value(&inner.elem),
        Type::Group(inner) => result_value(&inner.elem),
        _ if is_named(ty, "Result") => first_argument(ty),
        _ => None,
    }
}

fn is_bytes(ty: &Type) -> bool {
    matches!(ty, Type::Slice(slice) if is_named(&slice.elem, "u8"))
}

fn is_named(ty: &Type, name: &str) -> bool {
    matches!(ty, Type::Path(path) if path.path.segments.last().is_some_and(|last| last.ident == name))
}

fn first_argument(ty: &Type) -> Option<&Type> {
    let Type::Path(path) = ty else { return None };
    let PathArguments::AngleBracketed(arguments) = &path.path.segments.last()?.arguments else {
        return None;
    };
    arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use syn::parse_str;

    #[test]
    fn bytes_and_text_are_plain_inputs_and_all_else_is_json() {
        for plain in [
            "&[u8]",
            "&'static [u8]",
            "&str",
            "(&str)",
            "Vec<u8>",
            "std::vec::Vec<u8>",
            "String",
        ] {
            assert_eq!(
                input_form(&parse_str(plain).unwrap()).unwrap(),
                Form::Plain,
                "{plain}"
            );
        }
        for json in [
            "Vec<u16>",
            "Order",
            "u32",
            "(u8, u8)",
            "Option<String>",
            "[u8; 4]",
            "HashMap<String, u8>",
        ] {
            assert_eq!(
                input_form(&parse_str(json).unwrap()).unwrap(),
                Form::Json,
                "{json}"
            );
        }
        for refused in ["&Order", "&mut [u8; 3]", "&String"] {
            assert!(
                input_form(&parse_str(refused).unwrap()).is_err(),
                "{refused}"
            );
        }
    }

    #[test]
    fn results_are_seen_through() {
        for (text, form, is_result) in [
            ("", Form::Plain, false),
            ("-> ()", Form::Plain, false),
            ("-> Output", Form::Plain, false),
            ("-> &'static str", Form::Plain, false),
            ("-> Summary", Form::Json, false),
            ("-> Result<Vec<u8>, Error>", Form::Plain, true),
            ("-> std::result::Result<(), String>", Form::Plain, true),
            ("-> io::Result<Vec<Row>>", Form::Json, true),
            ("-> Result<Result<u8, E>, E>", Form::Json, true),
        ] {
            let output: ReturnType = parse_str(text).unwrap();
            assert_eq!(returned(&output), Returned { form, is_result }, "{text}");
        }
    }
}
