"""Which processor a built layer is for, by the machine code in it."""

from pathlib import Path

from tools.shared.trouble import Trouble

# The field e_machine of an ELF file (elf.h), at byte 18 and least byte first, by Lambda's name of the processor.
_MACHINES: dict[int | None, str] = {62: "x86_64", 183: "arm64"}


def architecture_of(layer: Path) -> str:
    """Lambda's name of the one processor that the layer's libraries are compiled for. Raises Trouble for any other."""
    match sorted({_machine(file) for file in layer.rglob("*.so*") if file.is_file()}):
        case ["arm64" | "x86_64" as architecture]:
            return architecture
        case found:
            of = " and ".join(found) or "no processor"
            raise Trouble(f"the layer in {layer} has libraries for {of}: build it again")


def _machine(library: Path) -> str:
    with library.open("rb") as file:
        header = file.read(20)
    machine = int.from_bytes(header[18:20], "little") if header.startswith(b"\x7fELF") else None
    return _MACHINES.get(machine, "an unknown processor")
