"""The command line that these tests type on."""

import pytest
from command_line import CommandLine


@pytest.fixture
def typed(tmp_path):
    """A command line, its configuration, and the folder of its store."""
    return CommandLine(tmp_path)
