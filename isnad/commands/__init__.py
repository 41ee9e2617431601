"""The commands of `isnad`, a module each; `isnad.cli` opens the one that is called."""
