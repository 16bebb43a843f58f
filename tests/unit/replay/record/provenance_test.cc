#include "replay/record/provenance.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <memory>

namespace replay {
namespace {

TEST(Provenance, DatesAreUtc) {
  EXPECT_EQ(iso_8601_utc(1'000'000'000'999'999'999), "2001-09-09T01:46:40Z");
}

TEST(Provenance, NamesThePackageOfAFile) {
  ::setenv("LD_DEBUG", "bindings", 1);  // must not talk into it
  auto header = std::make_unique<spool::ImageHeader>();
  std::strcpy(header->program, "/usr/bin/env");
  std::strcpy(header->allocator, "/no/such/lib.so");
  std::strcpy(header->libc_version, "2.99");
  const auto libraries = libraries_of(*header);
  EXPECT_EQ(libraries.at("program").at("path"), "/usr/bin/env");
  const auto& package = libraries.at("program").at("package");
  if (!package.is_null()) {
    EXPECT_EQ(package.get<std::string>().find("coreutils "), 0u) << package;
  }
  EXPECT_TRUE(libraries.at("allocator").at("package").is_null());
  ::unsetenv("LD_DEBUG");
  EXPECT_EQ(libraries.at("libc").at("version"), "2.99");
}

}  // namespace
}  // namespace replay
