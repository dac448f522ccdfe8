"""`weir models keygen` and `sign`: who vouches for artefacts."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Final

import typer

from workers.cli.options import takes_settings
from workers.cli.registry import place_of
from workers.errors import ConfigurationError
from workers.settings.resolve import Given

# Without the prefix of settings: workers have no business with it.
PASSPHRASE: Final = "FISHWEIR_KEY_PASSPHRASE"  # noqa: S105 - its name, not it

_PassphraseFile = Annotated[
    Path | None,
    typer.Option(
        "--passphrase-file",
        metavar="FILE",
        help=f"File that holds the private key's passphrase. Default: none. Env: {PASSPHRASE}, "
        "which holds the passphrase itself.",
        show_default=False,
    ),
]


def keygen(
    private: Annotated[
        Path, typer.Option("--private", metavar="FILE", help="Where the private key goes.")
    ],
    public: Annotated[
        Path, typer.Option("--public", metavar="FILE", help="Where the public key goes.")
    ],
    passphrase_file: _PassphraseFile = None,
) -> None:
    """Make a pair of Ed25519 keys to sign models with.

    The private key (mode 0600, encrypted if there is a passphrase) stays with whoever signs; the
    public one goes to whoever verifies, in --trusted-keys. Neither file is ever overwritten.
    """
    from models.artefact.keys import write_key_pair  # noqa: PLC0415

    passphrase = _passphrase(passphrase_file)
    name = write_key_pair(private, public, passphrase)
    typer.echo(f"Key {name}: private in {private}, public in {public}")
    if passphrase is None:
        typer.echo("The private key has no passphrase: whoever can read it can sign.", err=True)


@takes_settings("models")
def sign(
    given: Given,
    places: Annotated[
        list[str],
        typer.Argument(
            metavar="FOLDER|NAME@VERSION...",
            help="Folders of artefacts, or versions in the registry.",
        ),
    ],
    *,
    key: Annotated[
        Path, typer.Option(metavar="FILE", help="PEM file of the private key, mode 0600.")
    ],
    passphrase_file: _PassphraseFile = None,
) -> None:
    """Verify artefacts and sign their manifests; signatures of other keys stay.

    The signature lies beside the manifest, as manifest.sig. It covers weights, golden subjects,
    thresholds, featuriser, name and version, whose digests or values the manifest holds.
    """
    from models.artefact import ANYONE  # noqa: PLC0415
    from models.artefact.keys import load_private_key  # noqa: PLC0415
    from models.artefact.signing import sign as signed  # noqa: PLC0415

    secret = load_private_key(key, _passphrase(passphrase_file))
    for text in places:
        place = place_of(text, given)
        # Of a version in the registry also that it is that one, and lies there.
        place.load(ANYONE)
        name = signed(place.folder, secret)
        typer.echo(f"{text}: signed by key {name}")


def _passphrase(file: Path | None) -> bytes | None:
    if file is None:
        return os.environb.get(PASSPHRASE.encode()) or None
    try:
        passphrase = file.read_bytes().rstrip(b"\r\n")
    except OSError as error:
        raise ConfigurationError(
            f"Option --passphrase-file has value '{file}': {error.strerror}; give a file that can "
            "be read"
        ) from error
    if not passphrase:
        raise ConfigurationError(f"Option --passphrase-file has value '{file}', which is empty")
    return passphrase
