"""A set of prompts, and the doors that it comes in by."""

from headwidgets.prompts.checks import Answer, Prompt, any_absent, any_given, read_prompt
from headwidgets.prompts.choices import Choices
from headwidgets.prompts.prompt_set import Prompts

__all__ = ["Answer", "Choices", "Prompt", "Prompts", "any_absent", "any_given", "read_prompt"]
