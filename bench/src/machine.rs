//! The shape of the machine that a run was made on.

/// What a reader has to know to hold figures against his own.
pub(crate) struct Machine {
    cores: usize,
    /// Of the processor, as it calls itself.
    model: Option<String>,
    /// Gibibytes.
    memory: Option<f64>,
    software: Vec<String>,
}

impl Machine {
    pub(crate) fn here(postgres: String, others: Vec<String>) -> Self {
        let read = |path| std::fs::read_to_string(path).unwrap_or_default();
        let memory = read("/proc/meminfo");
        let kibibytes = memory
            .lines()
            .find_map(|line| line.strip_prefix("MemTotal:")?.split_whitespace().next());
        let model = read("/proc/cpuinfo")
            .lines()
            .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
            .map(|(_, model)| model.trim().to_owned());
        let mut software = vec![format!("PostgreSQL {postgres}")];
        software.extend(others);
        Self {
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            model,
            memory: kibibytes
                .and_then(|digits| digits.parse::<f64>().ok())
                .map(|kibibytes| kibibytes / 1024.0 / 1024.0),
            software,
        }
    }

    /// In words: `2 cores (model), 24 GiB of memory, PostgreSQL 15.1`.
    pub(crate) fn words(&self) -> String {
        let model = self.model.as_ref().map(|model| format!(" ({model})"));
        let memory = self
            .memory
            .map(|gibibytes| format!(", {gibibytes:.0} GiB of memory"));
        format!(
            "{} processor cores{}{}, {}",
            self.cores,
            model.unwrap_or_default(),
            memory.unwrap_or_default(),
            self.software.join(", ")
        )
    }
}
