"""Turns a program into a C array: embed.py PROGRAM NAME > HEADER."""
import sys

with open(sys.argv[1], "rb") as f:
    data = f.read()
print(f"static const unsigned char {sys.argv[2]}[] = {{")
for at in range(0, len(data), 16):
    print("\t" + " ".join(f"0x{byte:02x}," for byte in data[at:at + 16]))
print("};")
