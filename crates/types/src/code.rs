//! The stable error codes and the phases they are raised in. The same strings are the `code` and `phase` of the
//! JavaScript error class.

use crate::names::named;

named! {
    /// What went wrong: the contract that callers program against.
    pub enum ErrorCode {
        /// An argument or option has the wrong type.
        InvalidArgType => "ERR_INVALID_ARG_TYPE",
        /// An argument or option has the right type and a value that makes no sense; also an unknown option key.
        InvalidArgValue => "ERR_INVALID_ARG_VALUE",
        /// A number is outside its range.
        OutOfRange => "ERR_OUT_OF_RANGE",
        /// The backend that was asked for cannot run here.
        EngineUnavailable => "ERR_ENGINE_UNAVAILABLE",
        /// The module uses a proposal that is off, or that this backend lacks.
        FeatureDisabled => "ERR_FEATURE_DISABLED",
        /// The bytes are not a WebAssembly module.
        ModuleMalformed => "ERR_MODULE_MALFORMED",
        /// The module does not validate.
        ModuleInvalid => "ERR_MODULE_INVALID",
        /// The module is over a complexity cap.
        ModuleTooComplex => "ERR_MODULE_TOO_COMPLEX",
        /// Compilation passed its deadline.
        CompileTimeout => "ERR_COMPILE_TIMEOUT",
        /// The module imports what it was not given.
        ImportMissing => "ERR_IMPORT_MISSING",
        /// The module was given an import of another type.
        ImportType => "ERR_IMPORT_TYPE",
        /// There is no export of that name and kind.
        ExportNotFound => "ERR_EXPORT_NOT_FOUND",
        /// The guest trapped by itself; [`crate::TrapKind`] says how.
        Trap => "ERR_TRAP",
        /// The guest passed its call depth.
        StackOverflow => "ERR_STACK_OVERFLOW",
        /// The guest used all of its fuel.
        FuelExhausted => "ERR_FUEL_EXHAUSTED",
        /// The guest was stopped at its deadline.
        Timeout => "ERR_TIMEOUT",
        /// The guest was stopped by its caller.
        Aborted => "ERR_ABORTED",
        /// A memory is, or would become, larger than its cap.
        MemoryLimit => "ERR_MEMORY_LIMIT",
        /// The tables are, or would become, larger than their cap.
        TableLimit => "ERR_TABLE_LIMIT",
        /// The machine could not serve a growth below the cap.
        OutOfMemory => "ERR_OUT_OF_MEMORY",
        /// The result of a call is longer than allowed.
        OutputLimit => "ERR_OUTPUT_LIMIT",
        /// Guest to host to guest calls are nested too deeply.
        CallDepth => "ERR_CALL_DEPTH",
        /// The guest called host functions too often.
        HostCallLimit => "ERR_HOST_CALL_LIMIT",
        /// The guest returned an error, or panicked.
        Guest => "ERR_GUEST",
        /// The guest gave a pointer or length outside its memory, or its allocator failed.
        GuestPointer => "ERR_GUEST_POINTER",
        /// A host function failed.
        HostFunction => "ERR_HOST_FUNCTION",
        /// A host function passed its deadline.
        HostTimeout => "ERR_HOST_TIMEOUT",
        /// A host function returned a promise where nothing can wait for it.
        AsyncHostInSync => "ERR_ASYNC_HOST_IN_SYNC",
        /// The instance is running another call.
        InstanceBusy => "ERR_INSTANCE_BUSY",
        /// The instance was closed.
        InstanceClosed => "ERR_INSTANCE_CLOSED",
        /// An earlier call left the instance in an unknown state.
        InstancePoisoned => "ERR_INSTANCE_POISONED",
        /// The engine was closed.
        EngineClosed => "ERR_ENGINE_CLOSED",
        /// Too many calls are waiting.
        QueueFull => "ERR_QUEUE_FULL",
        /// An envelope does not begin with its magic number.
        EnvelopeMagic => "ERR_ENVELOPE_MAGIC",
        /// An envelope has another version.
        EnvelopeVersion => "ERR_ENVELOPE_VERSION",
        /// An envelope has unknown flags.
        EnvelopeFlags => "ERR_ENVELOPE_FLAGS",
        /// An envelope is shorter or longer than it says.
        EnvelopeLength => "ERR_ENVELOPE_LENGTH",
        /// An envelope's payload does not match its checksum.
        EnvelopeChecksum => "ERR_ENVELOPE_CHECKSUM",
        /// An envelope's payload cannot be decompressed.
        EnvelopeCompression => "ERR_ENVELOPE_COMPRESSION",
        /// An envelope's payload cannot be decrypted, or no cipher was given.
        EnvelopeEncryption => "ERR_ENVELOPE_ENCRYPTION",
        /// An envelope's payload is larger than the caller allows.
        EnvelopeLimit => "ERR_ENVELOPE_LIMIT",
        /// A precompiled artifact is not ours, damaged, or for another machine.
        ArtifactRejected => "ERR_ARTIFACT_REJECTED",
        /// The guest asked WASI to exit where an exit code cannot be returned.
        WasiExit => "ERR_WASI_EXIT",
        /// A fault of this library.
        Internal => "ERR_INTERNAL",
    }
}

named! {
    /// Where in the life of a guest an error was raised.
    pub enum Phase {
        /// Choosing and loading a backend.
        Load => "load",
        /// Reading bytes: a module, an envelope, an option.
        Decode => "decode",
        /// Compiling a prepared module.
        Compile => "compile",
        /// Matching imports.
        Link => "link",
        /// Running initialisers and the start function.
        Start => "start",
        /// Running an export.
        Call => "call",
        /// Running a host function.
        Host => "host",
        /// Inside WASI.
        Wasi => "wasi",
        /// Reading or writing a cache.
        Cache => "cache",
        /// Closing.
        Close => "close",
    }
}
