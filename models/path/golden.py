"""Paths and keys whose logits an artefact carries, so that an engine can be checked by them."""

from __future__ import annotations

PLAIN = (
    "",
    "a",
    "C:\\",
    "C:\\Windows\\System32\\svchost.exe",
    "c:/users/ann/appdata/local/temp/7zO4A1B2C3D/invoice.pdf.exe",
    "C:\\ProgramData\\{3F2504E0-4F89-11D3-9A0C-0305E82C3301}\\a1b2c3d4e5f60718.dll",
    "\\\\?\\C:\\Users\\Public\\update.vbs",
    "\\Device\\HarddiskVolume3\\Program Files\\Example\\example.exe",
    "%APPDATA%\\Microsoft\\Windows\\Start Menu\\Programs\\Startup\\x.lnk",
    "HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Run\\Updater",
    "HKEY_CURRENT_USER\\Software\\Classes\\CLSID\\{00021401-0000-0000-C000-000000000046}",
    "\\REGISTRY\\USER\\S-1-5-21-1004336348-1177238915-682003330-1001\\Environment\\Path",
    "HKLM:/SYSTEM/ControlSet001/Services/Example/Parameters",
    "D:\\\u0444\u043e\u0442\u043e\\\u5199\u771f\\caf\u00e9.jpg",
    "C:\\Users\\ann\\exe.\u202egpj.scr",
    "C:\\a\x00b\tc\r\n\x1b[31m\x7f\ud800",
)


def golden_paths(width: int) -> list[str]:
    """The paths for a featuriser that keeps ``width`` codes: to the plain ones come long ones."""
    long = "C:\\" + "\\".join(f"folder{letter}" for letter in "abcdefghijklmnopqrstuvwxyz")
    return [
        *PLAIN,
        *((long * (length // len(long) + 1))[:length] for length in (47, 48, 49, 96, 97)),
        long * (width // len(long) + 2),
    ]
