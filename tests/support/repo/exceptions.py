"""Rules of this repository that are not kept everywhere yet. These lists only shrink: a test fails for a kept entry."""

#: Packages of the product and top folders: a module's docstring begins with a pronoun, or too many words are pronouns.
UNCLEAR_FOLDERS: tuple[str, ...] = ()
#: Pages with too many pronouns.
UNCLEAR_PAGES: tuple[str, ...] = ()
#: Keys, metrics, settings, commands and classes with words that the glossary replaced.
OLD_NAMES: tuple[str, ...] = ()
#: Packages whose docstring does not list their modules.
INCOMPLETE_CHARTERS: tuple[str, ...] = ()
#: Packages that import more than their docstring allows, or whose docstring does not say.
UNDECLARED_IMPORTS: tuple[str, ...] = ()
#: Functions and modules that are too long.
LONG_FUNCTIONS: tuple[str, ...] = ()
LONG_MODULES: tuple[str, ...] = ()
#: Classes of tests that derive from a concrete class of the product.
DERIVED_FAKES: tuple[str, ...] = ()
