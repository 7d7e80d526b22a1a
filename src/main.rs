//! The `backstay` command.

mod address_file;
mod client;
mod command;
mod logging;
mod manifest;
mod memory;
mod output;
mod service_manager;
mod shutdown;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};

use self::logging::LogFormat;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A control plane for backends, and the proxy it controls
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true, after_help = command::EXAMPLES, max_term_width = 100)]
struct Cli {
    /// Form of log lines on standard error; what is logged is chosen with RUST_LOG
    #[arg(long, global = true, value_enum, value_name = "text|json", default_value_t, hide_possible_values = true)]
    log_format: LogFormat,
    /// Most log lines of one kind in a second; what is left out is counted in a line of its own. 0: all
    #[arg(long, global = true, value_name = "LINES", default_value_t = 50)]
    log_lines_per_second: u32,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Dev(command::dev::Args),
    ControlPlane(command::control_plane::Args),
    Proxy(command::proxy::Args),
    Relay(command::relay::Args),
    Apply(command::apply::Args),
    Get(command::get::Args),
    Delete(command::delete::Args),
    Status(command::status::Args),
    Console(command::console::Args),
    Top(command::top::Args),
    Tap(command::tap::Args),
    Check(command::check::Args),
    Explain(command::explain::Args),
    Export(command::export::Args),
    Import(command::import::Args),
    Token(command::token::Args),
    Bootstrap(command::bootstrap::Args),
    Kubeconfig(command::kubeconfig::Args),
    Ca(command::ca::Args),
    Secrets(command::secrets::Args),
    Version(command::version::Args),
    Completions(command::completions::Args),
    Man(command::completions::ManArgs),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli) {
        Ok(code) => code,
        Err(error) if output::is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            output::error_line(format_args!("error: {}", output::sentence(&error)));
            ExitCode::from(if command::is_usage(&error) { WRONG_COMMAND_LINE } else { 1 })
        }
    }
}

/// The exit code where the command line alone says that nothing of it can be tried, as clap has it. What is found out later, in files
/// or from a control plane, is 1.
const WRONG_COMMAND_LINE: u8 = 2;

fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let serves = matches!(
        cli.command,
        Command::Dev(_) | Command::ControlPlane(_) | Command::Proxy(_) | Command::Relay(_) | Command::Console(_)
    );
    let level = if matches!(cli.command, Command::Dev(_)) { "warn" } else { "info" };
    let log_switch = logging::start(cli.log_format, cli.log_lines_per_second, level)?;
    if matches!(cli.command, Command::Proxy(_)) {
        memory::use_small_pages();
    }
    let mut runtime = if serves {
        tokio::runtime::Builder::new_multi_thread()
    } else {
        tokio::runtime::Builder::new_current_thread()
    };
    runtime.enable_all().build()?.block_on(async {
        match cli.command {
            Command::Dev(args) => Box::pin(args.run(log_switch)).await,
            Command::ControlPlane(args) => Box::pin(args.run(log_switch)).await,
            Command::Proxy(args) => args.run(log_switch).await,
            Command::Relay(args) => Box::pin(args.run(log_switch)).await,
            Command::Apply(args) => args.run().await,
            Command::Get(args) => args.run().await,
            Command::Delete(args) => args.run().await,
            Command::Status(args) => args.run().await,
            Command::Console(args) => args.run().await,
            Command::Top(args) => args.run().await,
            Command::Tap(args) => args.run().await,
            Command::Check(args) => args.run(),
            Command::Explain(args) => args.run().await,
            Command::Export(args) => args.run().await,
            Command::Import(args) => args.run().await,
            Command::Token(args) => args.run().await,
            Command::Bootstrap(args) => args.run(),
            Command::Kubeconfig(args) => args.run(),
            Command::Ca(args) => args.run().await,
            Command::Secrets(args) => args.run().await,
            Command::Version(args) => args.run(),
            Command::Completions(args) => args.run(Cli::command()),
            Command::Man(args) => args.run(Cli::command()),
        }
    })
}
