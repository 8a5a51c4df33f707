//! A process of its own for each measurement: what one contender leaves on the heap is not there for the next.

use std::env;
use std::fmt::Display;
use std::io::{self, Write};
use std::process::{Command, Stdio};

use clap::Args;

// What such a benchmark is asked on its command line. No doc comment: it would head the help.
#[derive(Debug, Args)]
pub(crate) struct Apart {
    /// Threads of the pools.
    #[arg(long, default_value_t = 2)]
    pub(crate) threads: usize,
    /// Rounds of which the median is taken.
    #[arg(long)]
    rounds: Option<usize>,
    /// What a process of its own is to measure.
    #[arg(long, hide = true)]
    task: Option<String>,
}

impl Apart {
    /// Rounds to measure: one in a test, or as asked.
    pub(crate) fn rounds(&self, is_test: bool, usual: usize) -> usize {
        if is_test {
            1
        } else {
            self.rounds.unwrap_or(usual)
        }
    }

    /// The words of the task, when this process is one of its own.
    pub(crate) fn task(&self) -> Option<Vec<&str>> {
        let task = self.task.as_ref()?;
        Some(task.split(' ').collect())
    }

    /// Runs this program again for a task, and gives the words that it answers.
    pub(crate) fn run(&self, task: &[&dyn Display]) -> Vec<String> {
        let words: Vec<_> = task.iter().map(ToString::to_string).collect();
        let task = words.join(" ");
        let threads = self.threads.to_string();
        let output = Command::new(env::current_exe().expect("a program has a path"))
            .args(["--bench", "--threads", &threads, "--task", &task])
            .env("RAYON_NUM_THREADS", &threads)
            .stderr(Stdio::inherit())
            .output()
            .expect("a program can be run again");
        assert!(output.status.success(), "{task}: {}", output.status);
        let answer = String::from_utf8_lossy(&output.stdout);
        answer.split_whitespace().map(str::to_owned).collect()
    }
}

/// What a process answers to the one that has started it.
pub(crate) fn answer(words: &[&dyn Display]) -> io::Result<()> {
    let words: Vec<_> = words.iter().map(ToString::to_string).collect();
    writeln!(io::stdout(), "{}", words.join(" "))
}

/// A number among the words of a task or an answer.
pub(crate) fn number<T: std::str::FromStr>(word: &str) -> T {
    match word.parse() {
        Ok(number) => number,
        Err(_) => panic!("{word:?} is not the number that was expected"),
    }
}
