"""The parser of every command: typer, with refusals that quote no password.

    command           a function, or a group of functions, as a command
    settings_options  the fields of a settings class as the options of a command
    parameters        the parameters of a function that is made at run time
    usage             refusals of arguments, without any part of a URL

May import `taskqueue.text`. Importing typer takes 50 ms, and loads neither rich nor pydantic.
"""
