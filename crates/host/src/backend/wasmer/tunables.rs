//! How memories and tables are laid out: guard regions in place of bounds checks.

use std::ptr::NonNull;

use wasmer::sys::Tunables;
use wasmer::sys::vm::{
    InternalStoreHandle, StoreObjects, VMConfig, VMMemory, VMMemoryDefinition, VMTable,
    VMTableDefinition,
};
use wasmer::{MemoryError, MemoryStyle, MemoryType, Pages, TableStyle, TableType};
use wasmer_compiler::LinkError;
use wasmer_types::entity::PrimaryMap;
use wasmer_types::{LocalTableIndex, ModuleInfo, TableIndex};

use super::STACK_BYTES;
use crate::config::{EngineConfig, StaticMemoryBound};

/// Pages of the whole 32-bit address space.
const ALL_PAGES: u32 = 0x1_0000;
/// Behind a memory of [`ALL_PAGES`]: everything that a 32-bit address plus a 32-bit offset can reach, and the widest
/// access, so that no access needs a comparison.
const FULL_GUARD: u64 = (4 << 30) + 0x1_0000;
/// Behind any other memory. Accesses with a larger offset are compared.
const SMALL_GUARD: u64 = if cfg!(windows) { 0x2_0000 } else { 0x1_0000 };

/// Passed to the engine by value: behind a `Box<dyn Tunables>` wasmer would ignore the stack size.
#[derive(Clone)]
pub(super) struct GuestTunables {
    bound: u32,
    stack: StackSize,
}

/// [`VMConfig`] cannot be cloned.
struct StackSize(VMConfig);

impl Clone for StackSize {
    fn clone(&self) -> Self {
        Self(VMConfig {
            wasm_stack_size: self.0.wasm_stack_size,
        })
    }
}

impl GuestTunables {
    pub(super) fn new(config: &EngineConfig) -> Self {
        let bound = match config.static_memory_bound {
            StaticMemoryBound::Auto if cfg!(target_arch = "x86_64") => ALL_PAGES,
            StaticMemoryBound::Auto => config.limits.memory_pages(),
            StaticMemoryBound::Pages(pages) => pages,
        };
        Self {
            bound,
            stack: StackSize(VMConfig {
                wasm_stack_size: Some(STACK_BYTES),
            }),
        }
    }
}

impl Tunables for GuestTunables {
    fn memory_style(&self, memory: &MemoryType) -> MemoryStyle {
        let maximum = memory.maximum.unwrap_or(Pages(ALL_PAGES));
        if maximum.0 > self.bound {
            return MemoryStyle::Dynamic {
                offset_guard_size: SMALL_GUARD,
            };
        }
        let offset_guard_size = if self.bound == ALL_PAGES {
            FULL_GUARD
        } else {
            SMALL_GUARD
        };
        MemoryStyle::Static {
            bound: Pages(self.bound),
            offset_guard_size,
        }
    }

    fn table_style(&self, _table: &TableType) -> TableStyle {
        TableStyle::CallerChecksSignature
    }

    fn create_host_memory(
        &self,
        ty: &MemoryType,
        style: &MemoryStyle,
    ) -> Result<VMMemory, MemoryError> {
        VMMemory::new(ty, style)
    }

    unsafe fn create_vm_memory(
        &self,
        ty: &MemoryType,
        style: &MemoryStyle,
        location: NonNull<VMMemoryDefinition>,
    ) -> Result<VMMemory, MemoryError> {
        // SAFETY: the caller promises what this function asks for, that `location` is a definition of the instance.
        unsafe { VMMemory::from_definition(ty, style, location) }
    }

    fn create_host_table(&self, ty: &TableType, style: &TableStyle) -> Result<VMTable, String> {
        VMTable::new(ty, style)
    }

    unsafe fn create_vm_table(
        &self,
        ty: &TableType,
        style: &TableStyle,
        location: NonNull<VMTableDefinition>,
    ) -> Result<VMTable, String> {
        // SAFETY: the caller promises what this function asks for, that `location` is a definition of the instance.
        unsafe { VMTable::from_definition(ty, style, location) }
    }

    /// wasmer 6.1's own puts the tables of a module that imports some behind the place where its code looks for them.
    unsafe fn create_tables(
        &self,
        context: &mut StoreObjects,
        module: &ModuleInfo,
        table_styles: &PrimaryMap<TableIndex, TableStyle>,
        table_definition_locations: &[NonNull<VMTableDefinition>],
    ) -> Result<PrimaryMap<LocalTableIndex, InternalStoreHandle<VMTable>>, LinkError> {
        let own = module.tables.iter().skip(module.num_imported_tables);
        let mut tables = PrimaryMap::new();
        for ((index, ty), location) in own.zip(table_definition_locations) {
            // SAFETY: the caller promises that the locations are those of the definitions in the instance, of which the
            // module's own tables have the first ones.
            let table = unsafe { self.create_vm_table(ty, &table_styles[index], *location) };
            let table = table.map_err(LinkError::Resource)?;
            tables.push(InternalStoreHandle::new(context, table));
        }
        Ok(tables)
    }

    fn vmconfig(&self) -> &VMConfig {
        &self.stack.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Limits;

    fn style(bound: StaticMemoryBound, maximum: Option<u32>) -> MemoryStyle {
        let config = EngineConfig {
            static_memory_bound: bound,
            limits: Limits::default(),
            ..EngineConfig::default()
        };
        GuestTunables::new(&config).memory_style(&MemoryType::new(1, maximum, false))
    }

    #[test]
    fn full_guard_covers_address_plus_offset_plus_width() {
        let reach = u64::from(u32::MAX) + u64::from(u32::MAX) + 16;
        let style = style(StaticMemoryBound::Pages(ALL_PAGES), Some(4_096));
        let MemoryStyle::Static {
            bound,
            offset_guard_size,
        } = style
        else {
            panic!("{style:?}")
        };
        assert!(bound.bytes().0 as u64 + offset_guard_size >= reach);
    }

    #[test]
    fn a_memory_that_may_pass_the_bound_is_dynamic() {
        let bound = StaticMemoryBound::Pages(0x4000);
        assert!(matches!(
            style(bound, Some(0x4000)),
            MemoryStyle::Static {
                bound: Pages(0x4000),
                ..
            }
        ));
        assert!(matches!(
            style(bound, Some(0x4001)),
            MemoryStyle::Dynamic { .. }
        ));
        assert!(matches!(style(bound, None), MemoryStyle::Dynamic { .. }));
    }
}
