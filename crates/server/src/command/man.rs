use std::path::PathBuf;

use clap::{Args, CommandFactory as _};

use super::{Cli, Failure, output};

#[derive(Debug, Args)]
pub(super) struct ManPages {
    /// Write the pages of all commands into this folder, such as /usr/local/share/man/man1, in place of printing the
    /// first one
    #[arg(value_name = "FOLDER")]
    folder: Option<PathBuf>,
}

impl ManPages {
    pub(super) fn run(self) -> Result<(), Failure> {
        let program = Cli::command();
        match self.folder {
            Some(folder) => clap_mangen::generate_to(program, &folder)
                .map_err(|error| format!("cannot write into {}: {error}", folder.display()))?,
            None => {
                let mut page = Vec::new();
                clap_mangen::Man::new(program).render(&mut page)?;
                output::line(String::from_utf8(page)?.trim_end());
            }
        }
        Ok(())
    }
}
