"""The command `route-cors`."""

__all__ = ["main"]


def main() -> None:
    """Run the command."""
