// What libFuzzer calls, and what fuzz_corpus_test calls with each committed case.
#pragma once

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
