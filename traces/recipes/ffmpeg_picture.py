"""Writes the picture of ffmpeg.sh to stdout: so many frames of 160 x 96, blocks that move over a
ground that flickers and at times becomes another one. The same every time.

usage: x265_picture.py FRAMES
"""

import random
import sys

WIDTH, HEIGHT, SCENE = 160, 96, 170
RANDOM = random.Random(20261123)


def scene():
    ground = bytearray(RANDOM.randrange(40, 200) for _ in range(WIDTH * HEIGHT))
    blocks = [[RANDOM.randrange(WIDTH), RANDOM.randrange(HEIGHT), RANDOM.randrange(-3, 4),
               RANDOM.randrange(-2, 3), RANDOM.randrange(256)] for _ in range(6)]
    return ground, blocks


def frame(ground, blocks):
    luma = bytearray(ground)
    for block in blocks:
        left, top, dx, dy, shade = block
        for row in range(12):
            start = (top + row) % HEIGHT * WIDTH + left % (WIDTH - 16)
            luma[start : start + 16] = bytes((shade,)) * 16
        block[0], block[1] = left + dx, top + dy
    return bytes(luma)


out = sys.stdout.buffer
out.write(b"YUV4MPEG2 W%d H%d F25:1 Ip A1:1 C420\n" % (WIDTH, HEIGHT))
for number in range(int(sys.argv[1])):
    if number % SCENE == 0:
        picture = scene()
        tint = bytes((RANDOM.randrange(90, 160),)) * (WIDTH * HEIGHT // 4)
    for _ in range(40):
        picture[0][RANDOM.randrange(WIDTH * HEIGHT)] = RANDOM.randrange(256)
    out.write(b"FRAME\n" + frame(*picture) + tint + tint)
