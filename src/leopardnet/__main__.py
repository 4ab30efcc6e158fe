"""`python -m leopardnet`, the same as the command `leopardnet`; what `torchrun -m leopardnet` starts."""

from leopardnet.cli import main

if __name__ == "__main__":
    main()
