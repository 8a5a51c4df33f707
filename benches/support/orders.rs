//! An export: the orders of a CRM as rows, without end.

use std::fmt::Write as _;

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

/// How a row is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Csv,
    JsonLines,
}

/// At least `size` bytes of whole rows. The same size gives the same bytes.
pub(crate) fn orders(form: Form, size: usize) -> Vec<u8> {
    const SHIP_TO: [(&str, &str, &str, &str); 12] = [
        (
            "Vins et alcools Chevalier",
            "59 rue de l'Abbaye",
            "Reims",
            "France",
        ),
        (
            "Toms Spezialitaeten",
            "Luisenstr. 48",
            "Muenster",
            "Germany",
        ),
        (
            "Hanari Carnes",
            "Rua do Paco 67",
            "Rio de Janeiro",
            "Brazil",
        ),
        (
            "Suprêmes délices",
            "Boulevard Tirou 255",
            "Charleroi",
            "Belgium",
        ),
        ("Chop-suey Chinese", "Hauptstr. 31", "Bern", "Switzerland"),
        (
            "Wellington Importadora",
            "Rua do Mercado 12",
            "Resende",
            "Brazil",
        ),
        ("Ernst Handel", "Kirchgasse 6", "Graz", "Austria"),
        (
            "Centro comercial Moctezuma",
            "Sierras de Granada 9993",
            "México D.F.",
            "Mexico",
        ),
        (
            "Ottilies Käseladen",
            "Mehrheimerstr. 369",
            "Köln",
            "Germany",
        ),
        ("Folk och fä HB", "Åkergatan 24", "Bräcke", "Sweden"),
        (
            "Blondel père et fils",
            "24 place Kléber",
            "Strasbourg",
            "France",
        ),
        ("Wartian Herkku", "Torikatu 38", "Oulu", "Finland"),
    ];
    let mut random = Xoshiro256PlusPlus::seed_from_u64(size as u64);
    let mut pick = |below: u32| random.random_range(0..below);
    let mut rows = String::with_capacity(size + 400);
    let mut id = 10_247;
    while rows.len() < size {
        id += 1;
        let (name, street, city, country) = SHIP_TO[pick(12) as usize];
        let customer: String = (0..5)
            .map(|_| char::from_u32(65 + pick(26)).unwrap_or('A'))
            .collect();
        let (employee, shipper, postcode) = (1 + pick(9), 1 + pick(3), pick(100_000));
        let (year, month, day) = (1996 + pick(20), 1 + pick(12), 1 + pick(28));
        let (pounds, pence) = (pick(900), pick(100));
        match form {
            Form::Csv => writeln!(
                rows,
                "{id},{customer},{employee},{year}-{month:02}-{day:02} 00:00:00.000,{shipper},{pounds}.{pence:02},{name},\
                 {street},{city},,{postcode:05},{country}"
            ),
            Form::JsonLines => writeln!(
                rows,
                "{{\"id\":{id},\"customer\":\"{customer}\",\"employee\":{employee},\
                 \"ordered\":\"{year}-{month:02}-{day:02}\",\"shipper\":{shipper},\"freight\":{pounds}.{pence:02},\
                 \"ship_to\":{{\"name\":\"{name}\",\"street\":\"{street}\",\"city\":\"{city}\",\
                 \"postcode\":\"{postcode:05}\",\"country\":\"{country}\"}}}}"
            ),
        }
        .expect("a string takes whatever is written to it");
    }
    rows.into_bytes()
}
