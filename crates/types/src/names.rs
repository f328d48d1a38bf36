//! The one macro behind every enumeration whose members have a fixed name outside Rust.

/// Defines a fieldless enumeration together with `ALL`, `as_str`, `Display` and `FromStr` from one table.
macro_rules! named {
    (
        $(#[$outer:meta])*
        pub enum $name:ident {
            $( $(#[$inner:meta])* $variant:ident $(= $value:literal)? => $text:literal, )+
        }
    ) => {
        $(#[$outer])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $( $(#[$inner])* $variant $(= $value)?, )+
        }

        impl $name {
            /// Every member, in the order of declaration.
            pub const ALL: &[Self] = &[$( Self::$variant, )+];

            /// The fixed name.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $( Self::$variant => $text, )+
                }
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl core::str::FromStr for $name {
            type Err = $crate::UnknownName;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $( $text => Ok(Self::$variant), )+
                    _ => Err($crate::UnknownName),
                }
            }
        }
    };
}

pub(crate) use named;

#[cfg(test)]
mod tests {
    use crate::{ErrorCode, GuestErrorKind, Phase, TrapKind};

    macro_rules! names_read_back {
        ($($name:ident: $count:literal),+) => { $(
            assert_eq!($name::ALL.len(), $count);
            for member in $name::ALL {
                assert_eq!(member.as_str().parse(), Ok(*member));
            }
            assert!("".parse::<$name>().is_err());
        )+ };
    }

    #[test]
    fn every_name_reads_back_as_its_member() {
        names_read_back!(ErrorCode: 44, Phase: 10, TrapKind: 7, GuestErrorKind: 10);
    }
}
