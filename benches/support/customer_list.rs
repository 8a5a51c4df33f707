//! JSON lists of customers as a CRM sends them.

use std::fmt::Write as _;

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

/// A JSON list of customers, cut after the first one that reaches `size` bytes. The same size gives the same bytes.
pub(crate) fn customers(size: usize) -> Vec<u8> {
    const GIVEN: [&str; 12] = [
        "Maria",
        "Thomas",
        "Ana",
        "Christina",
        "Laurence",
        "Victoria",
        "Yang",
        "Elizabeth",
        "Sven",
        "Janine",
        "Paolo",
        "Ines",
    ];
    const FAMILY: [&str; 12] = [
        "Anders", "Hardy", "Trujillo", "Berglund", "Lebihan", "Ashworth", "Wang", "Brown",
        "Ottlieb", "Labrune", "Accorti", "Moreau",
    ];
    const TRADE: [&str; 8] = [
        "Foods",
        "Imports",
        "Trading",
        "Market",
        "Stores",
        "Logistics",
        "Garden",
        "Books",
    ];
    const CITY: [(&str, &str); 8] = [
        ("Berlin", "Germany"),
        ("London", "United Kingdom"),
        ("Lyon", "France"),
        ("Madrid", "Spain"),
        ("Torino", "Italy"),
        ("Bergen", "Norway"),
        ("Porto", "Portugal"),
        ("Graz", "Austria"),
    ];
    const STATUS: [&str; 4] = ["active", "active", "active", "dormant"];

    let mut random = Xoshiro256PlusPlus::seed_from_u64(size as u64);
    let mut pick = |below: usize| random.random_range(0..below);
    let mut json = String::with_capacity(size + 400);
    json.push_str("{\"records\":[");
    let mut id = 12_346;
    loop {
        id += 1 + pick(4);
        let (given, family) = (GIVEN[pick(12)], FAMILY[pick(12)]);
        let (city, country) = CITY[pick(8)];
        write!(
            json,
            "{{\"type\":\"customer\",\"url\":\"/api/v1/customers/{id}\",\"id\":{id},\"company\":\"{family} {trade}\",\
             \"contact\":{{\"name\":\"{given} {family}\",\"phone\":\"+{code} {phone:07}\"}},\
             \"address\":{{\"street\":\"{street} {number}\",\"city\":\"{city}\",\"postcode\":\"{postcode:05}\",\
             \"country\":\"{country}\"}},\"orders\":{orders},\"revenue\":{pounds}.{pence:02},\
             \"last_order\":\"2011-{month:02}-{day:02}\",\"region\":null,\"status\":\"{status}\"}}",
            trade = TRADE[pick(8)],
            code = 30 + pick(19),
            phone = pick(10_000_000),
            street = FAMILY[pick(12)],
            number = 1 + pick(180),
            postcode = pick(100_000),
            orders = 1 + pick(90),
            pounds = pick(20_000),
            pence = pick(100),
            month = 1 + pick(12),
            day = 1 + pick(28),
            status = STATUS[pick(4)],
        )
        .expect("a string takes whatever is written to it");
        if json.len() + 2 >= size {
            break;
        }
        json.push(',');
    }
    json.push_str("]}");
    json.into_bytes()
}
