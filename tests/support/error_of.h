// What an action complains of.
#pragma once

#include <string>

#include "replay/trace/error.h"

namespace replay::test {

// The message of the Error that `action` throws, or "no error".
template <class Action>
std::string error_of(Action action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace replay::test
