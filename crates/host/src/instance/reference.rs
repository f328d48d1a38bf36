//! Functions and tables of a guest in the hands of its host.

use std::sync::Arc;

use aingle_wasm_prepare::{FunctionType, ValueType, bridge, reserved};
use aingle_wasm_types::{ErrorCode, Phase};

use super::call::{Ended, check_arguments};
use super::options::CallOptions;
use super::session::Session;
use super::{WasmInstance, outcome};
use crate::backend::{GrowthRefused, Guest, Interruption, TableId};
use crate::error::{ErrorKind, HostError};
use crate::imports::{HostFunction, reference};
use crate::value::{FunctionRef, Slot, Value};

/// The references and tables of a guest that is at rest, or waits in a host function.
///
/// Tables are numbered by their index in the module. They can be reached if the module imports or exports any table.
pub struct References<'a> {
    guest: &'a mut dyn Guest,
    session: &'a Arc<Session>,
}

impl<'a> References<'a> {
    pub(crate) fn new(guest: &'a mut dyn Guest, session: &'a Arc<Session>) -> Self {
        Self { guest, session }
    }

    /// The type of a function.
    ///
    /// # Errors
    /// - `ERR_INVALID_ARG_VALUE` for a number that the instance has not given.
    pub fn function_type(&mut self, function: FunctionRef) -> Result<FunctionType, HostError> {
        let found = self.guest.referenced(function);
        found
            .and_then(|(_, ty)| bridge::declared_type(&ty))
            .ok_or_else(|| unknown_function("function"))
    }

    /// The exported function at this position among the module's exports, if there is one and references to functions can
    /// cross in or out of the module.
    pub fn exported_function(&mut self, position: u32) -> Option<FunctionRef> {
        let name = format!("{}{position}", reserved::REFERENCE);
        self.guest.exported_function(&name)
    }

    /// Makes a function of the host's one that references may stand for. It lives as long as the instance.
    ///
    /// # Errors
    /// - `ERR_INVALID_ARG_VALUE` for a function without a type of its own.
    /// - `ERR_OUT_OF_MEMORY` if the machine has no room for it.
    pub fn add_function(&mut self, function: &HostFunction) -> Result<FunctionRef, HostError> {
        let function = reference::import(function, self.session)?;
        self.guest.add_function(function).map_err(not_made)
    }

    /// Elements of a table.
    ///
    /// # Errors
    /// - `ERR_INVALID_ARG_VALUE` for a table that cannot be reached.
    pub fn table_size(&mut self, table: u32) -> Result<u32, HostError> {
        let table = self.table(table)?;
        Ok(self.guest.table_size(table))
    }

    /// What a table holds: [`ValueType::FuncRef`] or [`ValueType::ExternRef`].
    ///
    /// # Errors
    /// - `ERR_INVALID_ARG_VALUE` for a table that cannot be reached.
    pub fn element_type(&mut self, table: u32) -> Result<ValueType, HostError> {
        let table = self.table(table)?;
        Ok(self.guest.element_type(table))
    }

    /// Reads an element of a table.
    ///
    /// # Errors
    /// - `ERR_INVALID_ARG_VALUE` for a table that cannot be reached, `ERR_OUT_OF_RANGE` outside of it.
    pub fn element(&mut self, table: u32, index: u32) -> Result<Value, HostError> {
        let table = self.table(table)?;
        let ty = self.guest.element_type(table);
        match self.guest.element(table, index) {
            Some(slot) => Ok(Value::lift(slot, ty, self.guest)),
            None => Err(self.outside(table, index)),
        }
    }

    /// Writes an element of a table.
    ///
    /// # Errors
    /// - As [`References::element`].
    /// - `ERR_INVALID_ARG_TYPE` for a value of another type.
    pub fn set_element(&mut self, table: u32, index: u32, value: Value) -> Result<(), HostError> {
        let table = self.table(table)?;
        let slot = self.slot(table, value)?;
        if index >= self.guest.table_size(table) {
            return Err(self.outside(table, index));
        }
        self.guest.set_element(table, index, slot);
        Ok(())
    }

    /// Grows a table by `elements` that are all `value`, and returns its former size. Charges nothing.
    ///
    /// # Errors
    /// - `ERR_INVALID_ARG_VALUE` for a table that cannot be reached, `ERR_INVALID_ARG_TYPE` for a value of another type.
    /// - `ERR_TABLE_LIMIT` if all tables together would pass the instance's limit, or this one its maximum.
    /// - `ERR_OUT_OF_MEMORY` if the machine cannot serve it.
    pub fn grow_table(
        &mut self,
        table: u32,
        elements: u32,
        value: Value,
    ) -> Result<u32, HostError> {
        let table = self.table(table)?;
        let slot = self.slot(table, value)?;
        let all: u64 = (0..self.guest.tables())
            .map(|table| u64::from(self.guest.table_size(TableId(table))))
            .sum();
        let wanted = all + u64::from(elements);
        let limit = u64::from(self.session.limits.table_elements);
        let refused = |limit, value| {
            Err(outcome::over_limit(
                Phase::Call,
                ErrorCode::TableLimit,
                limit,
                value,
            ))
        };
        if wanted > limit {
            return refused(limit, wanted);
        }
        match self.guest.grow_table(table, elements, slot) {
            Ok(former) => Ok(former),
            Err(GrowthRefused::Maximum(maximum)) => {
                let size = u64::from(self.guest.table_size(table));
                refused(maximum.into(), size + u64::from(elements))
            }
            Err(GrowthRefused::Machine) => {
                let kind = ErrorKind::OutOfMemory {
                    resource: "growth of a guest's table",
                    limit: 0,
                    value: elements.into(),
                };
                Err(HostError::new(Phase::Call, kind))
            }
        }
    }

    /// The numbers of the host values that the guest holds in tables and globals, each as often as it is there, and how many
    /// places were looked at. While the guest runs it may hold others.
    pub fn held_externs(&mut self) -> (Vec<u32>, usize) {
        self.guest.held_externs()
    }

    fn table(&self, table: u32) -> Result<TableId, HostError> {
        if table < self.guest.tables() {
            return Ok(TableId(table));
        }
        Err(HostError::argument(
            "table",
            "a table that the module does not show",
            "the index of a table of a module that imports or exports one",
        ))
    }

    fn slot(&self, table: TableId, value: Value) -> Result<Slot, HostError> {
        let ty = self.guest.element_type(table);
        if value.ty() != ty {
            let kind = ErrorKind::Argument {
                code: ErrorCode::InvalidArgType,
                option: "value",
                value: value.ty().as_str().to_owned(),
                allowed: ty.as_str().to_owned(),
            };
            return Err(HostError::new(Phase::Call, kind));
        }
        lower(value, self.guest, "value")
    }

    #[cold]
    fn outside(&self, table: TableId, index: u32) -> HostError {
        let kind = ErrorKind::Argument {
            code: ErrorCode::OutOfRange,
            option: "index",
            value: index.to_string(),
            allowed: format!("below {}", self.guest.table_size(table)),
        };
        HostError::new(Phase::Call, kind)
    }
}

impl WasmInstance {
    /// The references and tables of the guest. Works on a poisoned instance as well.
    ///
    /// # Errors
    /// - `ERR_INSTANCE_CLOSED` after [`WasmInstance::close`].
    pub fn references(&mut self) -> Result<References<'_>, HostError> {
        let session = &self.session;
        let backend = self.backend.as_mut().ok_or_else(super::closed)?;
        Ok(References::new(backend.guest(), session))
    }

    /// Calls a function that a reference stands for.
    ///
    /// # Errors
    /// - `ERR_INVALID_ARG_VALUE` for a number that the instance has not given.
    /// - Else as [`WasmInstance::invoke_with`].
    pub fn call_function(
        &mut self,
        function: FunctionRef,
        args: &[Value],
        options: CallOptions,
        results: &mut Vec<Value>,
    ) -> Result<(), HostError> {
        let depth = self.session.limits.call_depth;
        let guest = self.guest()?;
        let found = guest.referenced(function).and_then(|(id, ty)| {
            let declared = bridge::declared_type(&ty)?;
            Some((id, declared))
        });
        let (id, ty) = found.ok_or_else(|| unknown_function("function"))?;
        check_arguments(args, &ty.params)?;
        let admitted = self.admit(options)?;
        let guest = self.guest()?;
        let mut slots = Vec::with_capacity(args.len().max(ty.results.len()) + 2);
        for value in args {
            slots.push(lower(*value, guest, "args")?);
        }
        slots.extend([Slot::from(admitted.fuel), Slot::from(depth)]);
        slots.resize(slots.len().max(ty.results.len() + 1), 0);
        *results = self.run(admitted, |guest, _| {
            let outcome = guest.call(id, &mut slots).map_err(Ended::from);
            if outcome.is_ok() {
                guest.set_fuel((slots[ty.results.len()] as u64).cast_signed());
            }
            let values = ty
                .results
                .iter()
                .zip(&slots)
                .map(|(ty, slot)| Value::lift(*slot, *ty, guest));
            (outcome.map(|()| values.collect::<Vec<_>>()), 0)
        })?;
        Ok(())
    }
}

/// A value as a slot.
pub(crate) fn lower(
    value: Value,
    guest: &dyn Guest,
    option: &'static str,
) -> Result<Slot, HostError> {
    value.lower(guest).ok_or_else(|| unknown_function(option))
}

#[cold]
fn unknown_function(option: &'static str) -> HostError {
    HostError::argument(
        option,
        "a function that the instance does not have",
        "a function that it has given",
    )
}

#[cold]
fn not_made(how: Interruption) -> HostError {
    let kind = match how {
        Interruption::OutOfMemory(resource) => ErrorKind::OutOfMemory {
            resource,
            limit: 0,
            value: 0,
        },
        how => ErrorKind::Internal {
            reason: format!("a function reference could not be made: {how:?}"),
        },
    };
    HostError::new(Phase::Call, kind)
}
