//! Targets, models and generators of the integration tests.
#![expect(dead_code, reason = "each test uses a part")]

pub(crate) mod forms;
pub(crate) mod generate;
pub(crate) mod guard;
pub(crate) mod hooks;
pub(crate) mod host_target;
pub(crate) mod machine;
pub(crate) mod mutate;
pub(crate) mod naive;
pub(crate) mod outline;
pub(crate) mod values;
pub(crate) mod wasmi_target;
