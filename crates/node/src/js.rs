//! The Node-API calls that the binding needs, typed. Everything that makes or reads a JavaScript value by hand goes
//! through [`Js`]; the raw functions of [`crate::hot`] enter through [`entry`].

use std::any::TypeId;
use std::ffi::{CStr, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;

use napi::sys;

use crate::error::Failure;

/// A JavaScript value: valid until the handle scope it was made in ends.
pub(crate) type Local = sys::napi_value;

/// One JavaScript environment, on its own thread and inside a handle scope.
///
/// It is neither `Send` nor to be stored: a value of this type is the proof that Node-API may be called now.
#[derive(Clone, Copy)]
pub(crate) struct Js(sys::napi_env);

/// Every status but `napi_ok` means that a JavaScript exception is pending or that the environment is ending. Either
/// way there is nothing to add: the caller returns and Node-API goes on from there.
fn check(status: sys::napi_status) -> Result<(), Failure> {
    if status == sys::Status::napi_ok {
        Ok(())
    } else {
        Err(Failure::Pending)
    }
}

/// Calls a Node-API function whose last argument is a pointer to its one result.
macro_rules! make {
    ($function:ident($($argument:expr),+)) => {{
        let mut result = ptr::null_mut();
        // SAFETY: `Js` proves that the environment is alive and that this is its thread; the arguments are values of
        // this scope or outlive the call, and `result` is a live location of the type that the function writes.
        check(unsafe { sys::$function($($argument,)+ &mut result) }).map(|()| result)
    }};
}

impl Js {
    /// # Safety
    /// `env` is a live environment, the caller is on its thread inside a handle scope, and does not keep the value
    /// past it.
    pub(crate) const unsafe fn new(env: sys::napi_env) -> Self {
        Self(env)
    }

    pub(crate) const fn env(self) -> sys::napi_env {
        self.0
    }

    pub(crate) fn undefined(self) -> Result<Local, Failure> {
        make!(napi_get_undefined(self.0))
    }

    pub(crate) fn null(self) -> Result<Local, Failure> {
        make!(napi_get_null(self.0))
    }

    pub(crate) fn number(self, value: f64) -> Result<Local, Failure> {
        make!(napi_create_double(self.0, value))
    }

    pub(crate) fn int32(self, value: i32) -> Result<Local, Failure> {
        make!(napi_create_int32(self.0, value))
    }

    pub(crate) fn uint32(self, value: u32) -> Result<Local, Failure> {
        make!(napi_create_uint32(self.0, value))
    }

    pub(crate) fn bigint_i64(self, value: i64) -> Result<Local, Failure> {
        make!(napi_create_bigint_int64(self.0, value))
    }

    pub(crate) fn bigint_u64(self, value: u64) -> Result<Local, Failure> {
        make!(napi_create_bigint_uint64(self.0, value))
    }

    pub(crate) fn string(self, text: &str) -> Result<Local, Failure> {
        make!(napi_create_string_utf8(
            self.0,
            text.as_ptr().cast(),
            text.len() as isize
        ))
    }

    pub(crate) fn object(self) -> Result<Local, Failure> {
        make!(napi_create_object(self.0))
    }

    pub(crate) fn array(self, length: usize) -> Result<Local, Failure> {
        make!(napi_create_array_with_length(self.0, length))
    }

    /// A fresh `Uint8Array` with its own buffer and a copy of `bytes`.
    pub(crate) fn bytes(self, bytes: &[u8]) -> Result<Local, Failure> {
        let (length, mut data) = (bytes.len(), ptr::null_mut());
        let buffer = make!(napi_create_arraybuffer(self.0, length, &mut data))?;
        if length > 0 {
            // SAFETY: the new buffer has `length` bytes at `data`, shared with nothing, while `bytes` is borrowed.
            unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), data.cast::<u8>(), length) };
        }
        make!(napi_create_typedarray(
            self.0,
            sys::TypedarrayType::uint8_array,
            length,
            buffer,
            0
        ))
    }

    /// A value that holds a Rust object and drops it when it is collected.
    pub(crate) fn external<T: 'static>(self, object: T) -> Result<Local, Failure> {
        unsafe extern "C" fn finalize<T>(_: sys::napi_env, data: *mut c_void, _: *mut c_void) {
            // SAFETY: `data` is the box given to `napi_create_external` below, and Node-API finalizes it once.
            let object = unsafe { Box::from_raw(data.cast::<Tagged<T>>()) };
            // A panic must not unwind into Node; what could panic here is the drop of an engine's objects.
            let _ = catch_unwind(AssertUnwindSafe(|| drop(object)));
        }
        let data = Box::into_raw(Box::new(Tagged {
            tag: TypeId::of::<T>(),
            object,
        }))
        .cast::<c_void>();
        make!(napi_create_external(
            self.0,
            data,
            Some(finalize::<T>),
            ptr::null_mut()
        ))
        .inspect_err(|_| {
            // SAFETY: no external was made, so the box has no other owner.
            drop(unsafe { Box::from_raw(data.cast::<Tagged<T>>()) });
        })
    }

    /// The object held by an external that [`Js::external`] made.
    ///
    /// # Safety
    /// `value` is no external of another addon, and stays reachable from JavaScript while the reference is used.
    pub(crate) unsafe fn external_ref<'a, T: 'static>(
        self,
        value: Local,
    ) -> Result<&'a T, Failure> {
        let data = make!(napi_get_value_external(self.0, value))
            .map_err(|_| Failure::Argument("an external"))?;
        // SAFETY: every external of this addon begins with the type it holds: ours, see `Tagged`, and those of napi-rs, whose
        // `External` is laid out alike.
        if unsafe { *data.cast::<TypeId>() } != TypeId::of::<T>() {
            return Err(Failure::Argument("an external of its kind"));
        }
        // SAFETY: the tag says that this is the live box of a `Tagged<T>`.
        Ok(unsafe { &(*data.cast::<Tagged<T>>()).object })
    }

    pub(crate) fn set(self, object: Local, name: &CStr, value: Local) -> Result<(), Failure> {
        // SAFETY: as in `make!`; `name` ends with a zero byte.
        check(unsafe { sys::napi_set_named_property(self.0, object, name.as_ptr(), value) })
    }

    /// As `object.name`: may run a getter.
    pub(crate) fn get(self, object: Local, name: &CStr) -> Result<Local, Failure> {
        make!(napi_get_named_property(self.0, object, name.as_ptr()))
    }

    pub(crate) fn set_element(self, array: Local, index: u32, value: Local) -> Result<(), Failure> {
        // SAFETY: as in `make!`.
        check(unsafe { sys::napi_set_element(self.0, array, index, value) })
    }

    pub(crate) fn length(self, array: Local) -> Result<u32, Failure> {
        let mut length = 0;
        // SAFETY: as in `make!`.
        check(unsafe { sys::napi_get_array_length(self.0, array, &mut length) })?;
        Ok(length)
    }

    pub(crate) fn element(self, array: Local, index: u32) -> Result<Local, Failure> {
        make!(napi_get_element(self.0, array, index))
    }

    /// As [`Js::set`] for a key that is no C string.
    pub(crate) fn set_text_key(
        self,
        object: Local,
        key: &str,
        value: Local,
    ) -> Result<(), Failure> {
        let key = self.string(key)?;
        // SAFETY: as in `make!`.
        check(unsafe { sys::napi_set_property(self.0, object, key, value) })
    }

    pub(crate) fn reference(self, object: Local, count: u32) -> Result<sys::napi_ref, Failure> {
        make!(napi_create_reference(self.0, object, count))
    }

    /// The object of a reference that is not deleted.
    pub(crate) fn referenced(self, reference: sys::napi_ref) -> Result<Local, Failure> {
        let object = make!(napi_get_reference_value(self.0, reference))?;
        if object.is_null() {
            Err(Failure::Internal(
                "a referenced object was collected".to_owned(),
            ))
        } else {
            Ok(object)
        }
    }

    pub(crate) fn delete_reference(self, reference: sys::napi_ref) {
        // SAFETY: as in `make!`. A failure means that the environment is ending, which releases the reference itself.
        let _ = unsafe { sys::napi_delete_reference(self.0, reference) };
    }

    pub(crate) fn is_null(self, value: Local) -> Result<bool, Failure> {
        self.type_of(value)
            .map(|ty| ty == sys::ValueType::napi_null)
    }

    pub(crate) fn is_undefined(self, value: Local) -> Result<bool, Failure> {
        self.type_of(value)
            .map(|ty| ty == sys::ValueType::napi_undefined)
    }

    fn type_of(self, value: Local) -> Result<sys::napi_valuetype, Failure> {
        let mut ty = 0;
        // SAFETY: as in `make!`.
        check(unsafe { sys::napi_typeof(self.0, value, &mut ty) }).map(|()| ty)
    }

    pub(crate) fn to_f64(self, value: Local) -> Result<f64, Failure> {
        let mut number = 0.0;
        // SAFETY: as in `make!`.
        let status = unsafe { sys::napi_get_value_double(self.0, value, &mut number) };
        check(status)
            .map(|()| number)
            .map_err(|_| Failure::Argument("a number"))
    }

    /// A number as `ToInt32` gives it.
    pub(crate) fn to_i32(self, value: Local) -> Result<i32, Failure> {
        let mut number = 0;
        // SAFETY: as in `make!`.
        let status = unsafe { sys::napi_get_value_int32(self.0, value, &mut number) };
        check(status)
            .map(|()| number)
            .map_err(|_| Failure::Argument("a number"))
    }

    /// A number as `ToUint32` gives it.
    pub(crate) fn to_u32(self, value: Local) -> Result<u32, Failure> {
        self.to_i32(value).map(i32::cast_unsigned)
    }

    /// A bigint as `ToBigInt64` gives it.
    pub(crate) fn to_i64(self, value: Local) -> Result<i64, Failure> {
        let (mut number, mut lossless) = (0, false);
        // SAFETY: as in `make!`.
        let status =
            unsafe { sys::napi_get_value_bigint_int64(self.0, value, &mut number, &mut lossless) };
        check(status)
            .map(|()| number)
            .map_err(|_| Failure::Argument("a bigint"))
    }

    pub(crate) fn to_string(self, value: Local) -> Result<String, Failure> {
        let mut length = 0;
        // SAFETY: as in `make!`; a null buffer asks for the length.
        let status = unsafe {
            sys::napi_get_value_string_utf8(self.0, value, ptr::null_mut(), 0, &mut length)
        };
        check(status).map_err(|_| Failure::Argument("a string"))?;
        let mut text = vec![0_u8; length + 1];
        // SAFETY: as in `make!`; the buffer has room for the text and the zero byte that ends it.
        check(unsafe {
            sys::napi_get_value_string_utf8(
                self.0,
                value,
                text.as_mut_ptr().cast(),
                text.len(),
                &mut length,
            )
        })?;
        text.truncate(length);
        String::from_utf8(text).map_err(|_| Failure::Argument("a string"))
    }

    /// The place and length of a typed array's bytes.
    ///
    /// The bytes stay where they are while the array's buffer is alive and not detached. JavaScript may change them
    /// whenever it runs, and another thread may if the buffer is shared.
    pub(crate) fn typed_array(self, value: Local) -> Result<(*mut u8, usize), Failure> {
        let (mut ty, mut length, mut data) = (0, 0, ptr::null_mut());
        let (mut buffer, mut offset) = (ptr::null_mut(), 0);
        // SAFETY: as in `make!`.
        let status = unsafe {
            sys::napi_get_typedarray_info(
                self.0,
                value,
                &mut ty,
                &mut length,
                &mut data,
                &mut buffer,
                &mut offset,
            )
        };
        check(status).map_err(|_| Failure::Argument("a typed array"))?;
        Ok((data.cast(), length * element_bytes(ty)))
    }

    /// The bytes of a typed array.
    ///
    /// # Safety
    /// No JavaScript runs and nothing writes to the array while the slice is used.
    pub(crate) unsafe fn slice<'a>(self, value: Local) -> Result<&'a [u8], Failure> {
        let (data, length) = self.typed_array(value)?;
        // An empty array may have no place at all.
        if length == 0 {
            return Ok(&[]);
        }
        // SAFETY: Node-API reports `length` bytes at `data`; by the contract they stay as they are.
        Ok(unsafe { std::slice::from_raw_parts(data, length) })
    }

    /// Calls a function with `undefined` as its receiver. What it throws is the error, and is pending no longer.
    pub(crate) fn call(self, function: Local, arguments: &[Local]) -> Result<Local, Thrown> {
        let result = self.undefined().and_then(|this| {
            make!(napi_call_function(
                self.0,
                this,
                function,
                arguments.len(),
                arguments.as_ptr()
            ))
        });
        result.map_err(|_| Thrown(self.take_exception()))
    }

    /// The pending exception, which then is pending no longer; `None` if the environment is ending and no code can run.
    pub(crate) fn take_exception(self) -> Option<Local> {
        make!(napi_get_and_clear_last_exception(self.0)).ok()
    }

    /// Runs `body` in a handle scope of its own: what it makes is released at its end.
    pub(crate) fn scoped<R>(self, body: impl FnOnce() -> Result<R, Failure>) -> Result<R, Failure> {
        let scope = make!(napi_open_handle_scope(self.0))?;
        let result = body();
        // SAFETY: as in `make!`; `scope` is the innermost open scope again.
        check(unsafe { sys::napi_close_handle_scope(self.0, scope) })?;
        result
    }

    pub(crate) fn throw(self, value: Local) {
        // SAFETY: as in `make!`. A failure means that the environment is ending: nobody is left to catch.
        let _ = unsafe { sys::napi_throw(self.0, value) };
    }

    /// Tells the collector that objects here hold `bytes` more (or less) memory outside of its heap.
    pub(crate) fn adjust_external_memory(self, bytes: i64) {
        let mut total = 0;
        // SAFETY: as in `make!`. It only guides the collector, so a failure has no consequence.
        let _ = unsafe { sys::napi_adjust_external_memory(self.0, bytes, &mut total) };
    }

    /// A function that any thread may call to have `deliver` called here with `context`; `finalize` gets the context when
    /// the function is gone.
    pub(crate) fn threadsafe_function(
        self,
        name: &str,
        deliver: sys::napi_threadsafe_function_call_js,
        finalize: sys::napi_finalize,
        context: *mut c_void,
    ) -> Result<sys::napi_threadsafe_function, Failure> {
        let (name, none) = (self.string(name)?, ptr::null_mut());
        make!(napi_create_threadsafe_function(
            self.0, none, none, name, 0, 1, context, finalize, context, deliver
        ))
    }

    /// Keeps the event loop alive.
    pub(crate) fn ref_bell(self, bell: sys::napi_threadsafe_function) -> Result<(), Failure> {
        // SAFETY: as in `make!`.
        check(unsafe { sys::napi_ref_threadsafe_function(self.0, bell) })
    }

    /// Does not keep the event loop alive.
    pub(crate) fn unref_bell(self, bell: sys::napi_threadsafe_function) -> Result<(), Failure> {
        // SAFETY: as in `make!`.
        check(unsafe { sys::napi_unref_threadsafe_function(self.0, bell) })
    }

    /// Has `hook` called with `data` when the environment ends.
    pub(crate) fn add_cleanup_hook(
        self,
        hook: unsafe extern "C" fn(*mut c_void),
        data: *mut c_void,
    ) -> Result<(), Failure> {
        // SAFETY: as in `make!`.
        check(unsafe { sys::napi_add_env_cleanup_hook(self.0, Some(hook), data) })
    }

    /// Reports an exception that nobody can catch, as an uncaught one.
    pub(crate) fn uncaught(self, error: Local) {
        // SAFETY: as in `make!`. A failure means that the environment is ending.
        let _ = unsafe { sys::napi_fatal_exception(self.0, error) };
    }

    /// The arguments of a call, `undefined` where there were fewer.
    fn arguments<const N: usize>(
        self,
        info: sys::napi_callback_info,
    ) -> Result<[Local; N], Failure> {
        let (mut arguments, mut count) = ([ptr::null_mut(); N], N);
        // SAFETY: as in `make!`; `info` is that of the running callback and `arguments` has room for `count` values.
        check(unsafe {
            sys::napi_get_cb_info(
                self.0,
                info,
                &mut count,
                arguments.as_mut_ptr(),
                ptr::null_mut(),
                ptr::null_mut(),
            )
        })?;
        Ok(arguments)
    }

    /// A function that finds `data` with [`entry_with`].
    pub(crate) fn function(
        self,
        name: &CStr,
        callback: sys::napi_callback,
        data: *mut c_void,
    ) -> Result<Local, Failure> {
        let length = name.count_bytes() as isize;
        make!(napi_create_function(
            self.0,
            name.as_ptr(),
            length,
            callback,
            data
        ))
    }

    /// What the running function was made with.
    fn data(self, info: sys::napi_callback_info) -> Result<*mut c_void, Failure> {
        let none = ptr::null_mut();
        let (mut data, mut count) = (ptr::null_mut(), 0);
        // SAFETY: as in `make!`; `info` is that of the running callback, and no arguments are asked for.
        check(unsafe {
            sys::napi_get_cb_info(self.0, info, &mut count, none, none.cast(), &mut data)
        })?;
        Ok(data)
    }

    /// Adds a raw function to `exports`.
    pub(crate) fn export(
        self,
        exports: Local,
        name: &CStr,
        callback: sys::napi_callback,
    ) -> Result<(), Failure> {
        let function = self.function(name, callback, ptr::null_mut())?;
        self.set(exports, name, function)
    }
}

/// What an external holds, after the type by which it is told apart.
#[repr(C)]
struct Tagged<T> {
    tag: TypeId,
    object: T,
}

/// What a JavaScript function threw; nothing if the environment is ending and no code can run.
pub(crate) struct Thrown(pub(crate) Option<Local>);

/// Bytes of one element of a typed array.
const fn element_bytes(ty: sys::napi_typedarray_type) -> usize {
    match ty {
        sys::TypedarrayType::int8_array
        | sys::TypedarrayType::uint8_array
        | sys::TypedarrayType::uint8_clamped_array => 1,
        sys::TypedarrayType::int16_array | sys::TypedarrayType::uint16_array => 2,
        sys::TypedarrayType::int32_array
        | sys::TypedarrayType::uint32_array
        | sys::TypedarrayType::float32_array => 4,
        _ => 8,
    }
}

/// The frame of every raw function: reads up to `N` arguments, runs `body`, throws what it fails with. No panic leaves
/// it.
///
/// # Safety
/// To be called from a Node-API callback with that callback's `env` and `info`.
#[inline]
pub(crate) unsafe fn entry<const N: usize>(
    env: sys::napi_env,
    info: sys::napi_callback_info,
    body: fn(Js, [Local; N]) -> Result<Local, Failure>,
) -> Local {
    // SAFETY: a callback runs on its environment's thread in a handle scope, and `js` does not leave this function.
    let js = unsafe { Js::new(env) };
    guarded(|| body(js, js.arguments(info)?)).unwrap_or_else(|failure| {
        failure.throw(js);
        ptr::null_mut()
    })
}

/// As [`entry`], for a function without arguments that was made with data: `body` gets it, and what it answers is returned,
/// `None` as `undefined`.
///
/// # Safety
/// As [`entry`].
#[inline]
pub(crate) unsafe fn entry_with(
    env: sys::napi_env,
    info: sys::napi_callback_info,
    body: fn(Js, *mut c_void) -> Result<Option<Local>, Failure>,
) -> Local {
    // SAFETY: as in `entry`.
    let js = unsafe { Js::new(env) };
    let result = guarded(|| body(js, js.data(info)?)).unwrap_or_else(|failure| {
        failure.throw(js);
        None
    });
    result.unwrap_or(ptr::null_mut())
}

/// Runs `body` and turns a panic into [`Failure::Internal`].
#[inline]
pub(crate) fn guarded<R>(body: impl FnOnce() -> Result<R, Failure>) -> Result<R, Failure> {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|panic| Err(Failure::panicked(&*panic)))
}
