"""The options of a command, derived from the fields of a settings class."""

import inspect
from collections.abc import Callable, Mapping
from types import NoneType
from typing import Annotated, Any, Literal, NoReturn, get_args, get_origin

import typer
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from typer.exceptions import TyperException

from taskqueue.command_line.command import new_group
from taskqueue.command_line.parameters import declare_parameters
from taskqueue.command_line.usage import Command

#: Shown in place of a value, by the name of its type.
METAVARS = {"int": "INTEGER", "float": "NUMBER", "Path": "PATH", "RedisUrl": "URL"}
EPILOG = (
    "Each option is also a variable of the environment, such as TASKQUEUE_REDIS_URL, and a key of the YAML file of "
    "--config, such as redis_url. Options win over the environment, which wins over the file."
)

#: Takes the options that were given, by the name of their field, and the name of the program.
Use = Callable[[Mapping[str, Any], str], object]
#: Ends the process with the name of the program and the message of the parser.
Refuse = Callable[[str, str], NoReturn]


class SettingsCommand(Command):
    """A command that refuses bad arguments as its settings are refused."""

    refuse: Refuse

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        try:
            return super().make_context(info_name, args, parent, **extra)
        except TyperException as error:
            prog = f"{parent.command_path} {info_name}" if parent else str(info_name)
            self.refuse(prog, error.format_message())


def settings_options(settings_class: type[BaseModel], use: Use, refuse: Refuse) -> SettingsCommand:
    """Make a command with one option for each field: its name, description, default and kind of value."""

    def command(context: typer.Context, **values: Any) -> None:
        given = {
            name: value
            for name, value in values.items()
            if getattr(context.get_parameter_source(name), "name", "") == "COMMANDLINE"
        }
        use(given, context.command_path)

    keyword = inspect.Parameter.KEYWORD_ONLY
    parameters = [inspect.Parameter("context", keyword, annotation=typer.Context)]
    for name, field in settings_class.model_fields.items():
        option, default = _option(name, field)
        parameters.append(inspect.Parameter(name, keyword, annotation=option, default=default))
    declare_parameters(command, parameters)
    app = new_group()
    app.command(cls=SettingsCommand, help=settings_class.__doc__, epilog=EPILOG)(command)
    made: Any = typer.main.get_command(app)
    made.refuse = refuse
    return made  # type: ignore[no-any-return]


def flag(name: str) -> str:
    """Return the option of a field."""
    return "--" + name.replace("_", "-")


def _option(name: str, field: FieldInfo) -> tuple[Any, Any]:
    """Return the annotation and the default that typer makes an option of; the settings class checks its value."""
    allowed = [one for one in get_args(field.annotation) or [field.annotation] if one is not NoneType]
    metavar = METAVARS.get(getattr(allowed[0], "__name__", ""), "TEXT")
    if get_origin(field.annotation) is Literal:
        metavar = "|".join(map(str, allowed))
    info = typer.Option(flag(name), metavar=metavar, help=field.description)
    default = field.get_default(call_default_factory=True)
    if get_origin(field.annotation) is list:
        return Annotated[list[str] | None, info], None
    if default is None:
        return Annotated[str | None, info], None
    return Annotated[str, info], str(default)
