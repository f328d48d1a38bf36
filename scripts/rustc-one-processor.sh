#!/bin/sh
# Cargo runs this in place of rustc where an addon is built for publishing. wasmer asks for Cranelift's code generators of all processors, and
# features cannot be taken away in a manifest; an addon makes code for the processor it runs on, and the others are 0.4 MB compressed.
# `exec` keeps what cargo hands to rustc open.
before=
own=
for argument; do
  if [ "$before" = --target ]; then
    case $argument in
      x86_64-*) own='feature="x86"' ;;
      aarch64-*) own='feature="arm64"' ;;
    esac
  fi
  before=$argument
done

before=
crate=
for argument; do
  shift
  [ "$before" = --crate-name ] && crate=$argument
  case $crate-$argument in
    "cranelift_codegen-$own") ;;
    # What is defined in its place is asked for nowhere.
    cranelift_codegen-feature=\"x86\" | cranelift_codegen-feature=\"arm64\" | cranelift_codegen-feature=\"riscv64\") argument=left_out ;;
  esac
  before=$argument
  set -- "$@" "$argument"
done
exec "$@"
