//! How much memory the process held at most, where the system tells.

use std::fs;

/// A measurement of the peak since it was started.
pub(crate) struct Peak {
    was_reset: bool,
}

impl Peak {
    /// Starts a measurement. On Linux, writing 5 resets the peak (`proc_pid_clear_refs(5)`).
    pub(crate) fn start() -> Self {
        Self {
            was_reset: fs::write("/proc/self/clear_refs", "5").is_ok(),
        }
    }

    /// The largest resident set since the start, in bytes; `None` where the system does not say.
    pub(crate) fn bytes(&self) -> Option<u64> {
        if !self.was_reset {
            return None;
        }
        let status = fs::read_to_string("/proc/self/status").ok()?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))?;
        let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
        Some(kibibytes * 1024)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_allocation_raises_the_peak() {
        let peak = Peak::start();
        let Some(before) = peak.bytes() else {
            return; // This system does not tell.
        };
        let large = std::hint::black_box(vec![1_u8; 64 << 20]);
        assert!(peak.bytes().unwrap() >= before + (48 << 20));
        drop(large);
    }
}
