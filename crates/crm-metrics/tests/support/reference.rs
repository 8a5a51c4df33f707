//! The values of `tests/data/*.txt`, at 60 digits and more, which the scripts beside them write.

/// One set of parameters and what a model makes of it.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) model: &'static str,
    parameters: Vec<(&'static str, f64)>,
    pub(crate) hard: bool,
    pub(crate) values: Vec<(&'static str, f64)>,
}

impl Case {
    /// The parameter of that name.
    pub(crate) fn get(&self, name: &str) -> f64 {
        self.find(name)
            .unwrap_or_else(|| panic!("{self:?} has no {name}"))
    }

    /// The parameter of that name, if there is one.
    pub(crate) fn find(&self, name: &str) -> Option<f64> {
        let found = self.parameters.iter().find(|(key, _)| *key == name);
        found.map(|(_, value)| *value)
    }

    /// The parameters `name0`, `name1`, and so on.
    pub(crate) fn list(&self, name: &str) -> Vec<f64> {
        (0..)
            .map_while(|i| {
                let name = format!("{name}{i}");
                let found = self.parameters.iter().find(|(key, _)| *key == name);
                found.map(|(_, value)| *value)
            })
            .collect()
    }

    /// The number of servers.
    pub(crate) fn servers(&self) -> u32 {
        self.get("servers") as u32
    }

    /// Model, parameters and quantity, for a message.
    pub(crate) fn name(&self, quantity: &str) -> String {
        format!("{} {:?} {quantity}", self.model, self.parameters)
    }
}

/// All cases of the models named, among those of single stations.
pub(crate) fn cases(models: &[&str]) -> Vec<Case> {
    cases_of(include_str!("../data/reference.txt"), models)
}

/// All cases of the models named, among those of networks, availability, intervals and scaling.
pub(crate) fn systems(models: &[&str]) -> Vec<Case> {
    cases_of(include_str!("../data/systems.txt"), models)
}

/// All cases of the models named, among those of loss, delay and abandonment.
pub(crate) fn waiting_lines(models: &[&str]) -> Vec<Case> {
    cases_of(include_str!("../data/waiting_lines.txt"), models)
}

/// The same from another file of this form.
pub(crate) fn cases_of(text: &'static str, models: &[&str]) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    // The head tells which script writes the file.
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        if let Some(opening) = line.strip_prefix("= ") {
            cases.push(open(opening));
        } else {
            let (quantity, value) = line.split_once(' ').expect("quantity and value");
            let case = cases.last_mut().expect("a case was opened");
            case.values.push((quantity, number(value)));
        }
    }
    cases.retain(|case| models.contains(&case.model));
    cases
}

fn open(line: &'static str) -> Case {
    let mut words = line.split(' ');
    let model = words.next().expect("a model");
    let mut parameters = Vec::new();
    let mut hard = false;
    for word in words {
        match word.split_once('=') {
            Some((name, value)) => parameters.push((name, number(value))),
            None => hard = word == "hard",
        }
    }
    Case {
        model,
        parameters,
        hard,
        values: Vec::new(),
    }
}

fn number(text: &str) -> f64 {
    text.parse()
        .unwrap_or_else(|_| panic!("{text} is not a number"))
}
