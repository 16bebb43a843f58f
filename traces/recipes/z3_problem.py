"""Writes the constraints of z3.sh to stdout, in SMT-LIB 2. The same ones every time."""

import random

RANDOM = random.Random(20261123)


def timetable(lessons, rooms, hours):
    print("(push)")
    for lesson in range(lessons):
        print(f"(declare-const hour{lesson} Int) (declare-const room{lesson} Int)")
        print(f"(assert (and (<= 0 hour{lesson}) (< hour{lesson} {hours})"
              f" (<= 0 room{lesson}) (< room{lesson} {rooms})))")
    for first in range(lessons):
        for second in range(first + 1, lessons):
            print(f"(assert (=> (= hour{first} hour{second})"
                  f" (not (= room{first} room{second}))))")
            if RANDOM.random() < 0.08:  # the same teacher
                print(f"(assert (not (= hour{first} hour{second})))")
    for lesson in RANDOM.sample(range(lessons), lessons // 4):
        print(f"(assert (< hour{lesson} (+ 2 hour{(lesson + 7) % lessons})))")
    print("(check-sat) (get-model) (pop)")


def products(count, width):
    for _ in range(count):
        a, b = RANDOM.randrange(3, 2**8), RANDOM.randrange(3, 2**8)
        print(f"""(push)
          (declare-const x (_ BitVec {width})) (declare-const y (_ BitVec {width}))
          (assert (= (bvmul x y) (_ bv{a * b} {width})))
          (assert (bvult x (_ bv256 {width}))) (assert (bvult y (_ bv256 {width})))
          (assert (bvugt x (_ bv1 {width}))) (assert (bvugt y x))
          (check-sat) (pop)""")


timetable(lessons=40, rooms=5, hours=12)
products(count=14, width=20)
