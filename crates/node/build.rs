//! Sets the linker up for a Node addon that is never unloaded: threads and V8's signal handler may still point into it when
//! the last worker that used it ends. napi-build sees to that on glibc only.

use std::env;

fn main() {
    napi_build::setup();
    if env::var("CARGO_CFG_TARGET_ENV").as_deref() == Ok("musl") {
        println!("cargo:rustc-link-arg=-Wl,-z,nodelete");
    }
}
