//! Sets the linker up for a Node addon; on glibc also so that the addon is never unloaded.

fn main() {
    napi_build::setup();
}
