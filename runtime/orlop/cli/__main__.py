"""`python -m orlop.cli`: the command for places where no script is installed."""

from orlop.cli.main import main

if __name__ == "__main__":
    main()
