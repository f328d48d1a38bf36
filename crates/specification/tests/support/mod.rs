//! Targets shared by the integration tests.

pub(crate) mod wasmi_target;
