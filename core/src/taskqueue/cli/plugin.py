"""`kubectl taskqueue`: the `taskqueue` command, run in the pod of the operator.

A laptop seldom reaches the Redis of a cluster; the pod of the operator does. The command line is handed to
`kubectl exec` in that pod, and kubectl takes the place of this process: terminal, input, output, signals and exit code
are those of kubectl. The plugin uses the kubectl on PATH, with the rights of the caller.
"""

import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, NoReturn

import typer
from typer.exceptions import TyperException

from taskqueue.cli.exit_codes import ExitCode
from taskqueue.cli.failure import say
from taskqueue.cli.main import run as run_here
from taskqueue.cli.operator_pod import CONTAINER, INSTANCE, LABELS, choose, find_pods
from taskqueue.command_line.command import new_group
from taskqueue.command_line.usage import Command

PROG = "kubectl taskqueue"
HELP = """\
Run the `taskqueue` command in the pod of the operator, which reaches the store.

A file that COMMAND names is a file of that pod; `users import -` reads this input.
"""
#: Read here: typer would find a short option in words such as -ojson, too.
SHORT_NAMESPACE = "-n"


@dataclass(frozen=True, slots=True)
class Call:
    """The arguments of a call.

    command: the arguments of `taskqueue`. kubectl: options for kubectl. instance: the chosen operator.
    local: run the command on this machine.
    """

    command: tuple[str, ...]
    kubectl: tuple[str, ...] = ()
    instance: str = ""
    local: bool = False


class PluginCommand(Command):
    """Reads the options of the plugin anywhere in front of `--`, and leaves all other arguments as they are."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        end = args.index("--") if "--" in args else len(args)
        super().parse_args(ctx, [_long(word) for word in args[:end]])
        ctx.args += args[end:]
        return list(ctx.args)


app = new_group()


def _filled(value: str | None) -> str | None:
    """Refuse an empty value."""
    if value == "":
        raise typer.BadParameter("needs a value")
    return value


def _option(name: str, metavar: str, text: str) -> Any:
    """Return an option of the plugin, which refuses an empty value."""
    return typer.Option(name, metavar=metavar, help=text, callback=_filled)


@app.command(
    cls=PluginCommand,
    help=HELP,
    epilog="`kubectl taskqueue --local --help` lists the commands.",
    options_metavar="[OPTIONS] COMMAND...",
    add_help_option=False,
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
)
def read(
    context: typer.Context,
    namespace: Annotated[
        str | None, _option("--namespace", "NAME", "Namespace of the operator (also -n).")
    ] = None,
    kube_context: Annotated[str | None, _option("--context", "NAME", "Context of the kubeconfig.")] = None,
    kubeconfig: Annotated[str | None, _option("--kubeconfig", "FILE", "Path of the kubeconfig.")] = None,
    instance: Annotated[
        str | None, _option("--instance", "NAME", f"Operator to choose of several, by its {INSTANCE}.")
    ] = None,
    local: Annotated[
        bool, typer.Option("--local", help="Run COMMAND on this machine, on the store of --redis-url.")
    ] = False,
) -> Call:
    """Return the call. Exits after the help, which stands for an empty command as well."""
    if not local and context.args in ([], ["-h"], ["--help"]):
        sys.stdout.write(context.get_help() + "\n")
        sys.exit(ExitCode.OK if context.args else ExitCode.USAGE)
    # kubectl refuses options in front of the name of a plugin: the plugin takes these three and hands them on.
    given = {"--namespace": namespace, "--context": kube_context, "--kubeconfig": kubeconfig}
    kubectl = tuple(word for name, value in given.items() if value for word in (name, value))
    return Call(tuple(context.args), kubectl, instance or "", local)


def parse(arguments: Sequence[str]) -> Call:
    """Return the call that arguments ask for. Raises SystemExit after the help, and where an option has no value."""
    command = typer.main.get_command(app)
    try:
        call: Call = command.main(list(arguments), prog_name=PROG, standalone_mode=False)
    except TyperException as error:
        say(f"{error.format_message().rstrip('.')}; `{PROG} --help` lists the options")
        raise SystemExit(ExitCode.USAGE) from None
    return call


def run() -> NoReturn:
    """Run the command with the arguments of this process, in the pod or on this machine. Raises SystemExit."""
    call = parse(sys.argv[1:])
    if call.local:
        sys.argv[1:] = call.command
        run_here()
        sys.exit()
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        say("kubectl is not on PATH: install it, or use --local with a store that this machine reaches")
        sys.exit(ExitCode.REFUSED)
    selector = f"{LABELS},{INSTANCE}={call.instance}" if call.instance else LABELS
    pod = choose(find_pods(kubectl, call.kubectl, selector), selector)
    execute = ["exec", pod.name, "--container", CONTAINER, *_input(call.command)]
    os.execv(kubectl, [kubectl, *call.kubectl, *execute, "--", "taskqueue", *call.command])  # noqa: S606


def _long(word: str) -> str:
    """Return -n, or -n=NAME, with the long name of the option."""
    is_namespace = word.partition("=")[0] == SHORT_NAMESPACE
    return "--namespace" + word.removeprefix(SHORT_NAMESPACE) if is_namespace else word


def _input(command: Sequence[str]) -> list[str]:
    """Return the options for a terminal, or for standard input where `-` names it: a shell loop may need the input."""
    if sys.stdin.isatty() and sys.stdout.isatty():
        return ["--stdin", "--tty"]
    return ["--stdin"] if "-" in command else []
