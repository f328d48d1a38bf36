//! Kinds of structured guest errors.

use crate::names::named;

named! {
    /// What a structured guest error is about; one byte on the wire, `details.kind` of an `ERR_GUEST`.
    pub enum GuestErrorKind {
        /// Anything else.
        Unknown = 0 => "unknown",
        /// A value could not be written as bytes.
        Serialization = 1 => "serialization",
        /// Bytes could not be read as a value.
        Deserialization = 2 => "deserialization",
        /// The guest ran out of memory or was given a bad range.
        Memory = 3 => "memory",
        /// A host function failed.
        HostCall = 4 => "host_call",
        /// A guest function failed.
        GuestCall = 5 => "guest_call",
        /// The input is well-formed and not acceptable.
        Validation = 6 => "validation",
        /// Something took too long.
        Timeout = 7 => "timeout",
        /// Something is not allowed.
        PermissionDenied = 8 => "permission_denied",
        /// The guest panicked.
        Panic = 9 => "panic",
    }
}

impl GuestErrorKind {
    /// The kind with this byte; a byte that no kind has is [`GuestErrorKind::Unknown`], so that newer guests stay readable.
    #[must_use]
    pub const fn from_u8(byte: u8) -> Self {
        if (byte as usize) < Self::ALL.len() {
            Self::ALL[byte as usize]
        } else {
            Self::Unknown
        }
    }

    /// The byte on the wire.
    #[must_use]
    pub const fn as_u8(self) -> u8 {
        self as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_reads_back_and_unknown_bytes_are_unknown() {
        for byte in 0..=u8::MAX {
            let kind = GuestErrorKind::from_u8(byte);
            let known = usize::from(byte) < GuestErrorKind::ALL.len();
            assert_eq!(kind.as_u8(), if known { byte } else { 0 });
        }
    }
}
