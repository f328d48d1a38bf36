//! Exports of serde types.
#![cfg(feature = "serde")]

use std::collections::BTreeMap;

use aingle_wasm_guest::native::call;
use aingle_wasm_guest::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
struct Order {
    prices: Vec<f64>,
}

#[derive(Serialize)]
struct Total {
    count: usize,
    sum: f64,
}

#[aingle_export]
fn total(order: Order) -> Result<Total, String> {
    if order.prices.is_empty() {
        return Err("nothing ordered".to_owned());
    }
    Ok(Total {
        count: order.prices.len(),
        sum: order.prices.iter().sum(),
    })
}

#[aingle_export]
fn unwritable(_: u32) -> BTreeMap<Vec<u8>, u8> {
    BTreeMap::from([(vec![1], 1)])
}

#[test]
fn values_cross_as_json() {
    let reply = call(__aingle_export_total, br#"{"prices":[1.5,2]}"#).unwrap();
    assert_eq!(reply, br#"{"count":2,"sum":3.5}"#);
}

#[test]
fn faults_are_named_on_both_sides() {
    let error = call(__aingle_export_total, br#"{"prices":[1,]}"#).unwrap_err();
    assert_eq!(error.kind, GuestErrorKind::Deserialization);
    assert!(error.message.contains("line 1 column 14"), "{error}");
    let error = call(__aingle_export_total, br#"{"prices":[]}"#).unwrap_err();
    assert_eq!(error.message, "nothing ordered");
    let error = call(__aingle_export_unwritable, b"1").unwrap_err();
    assert_eq!(error.kind, GuestErrorKind::Serialization);
}
