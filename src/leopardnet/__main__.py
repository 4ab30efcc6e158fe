"""The command `leopardnet` as `python -m leopardnet`, which is also what `torchrun -m leopardnet` starts."""

from leopardnet.cli import main

if __name__ == "__main__":
    main()
