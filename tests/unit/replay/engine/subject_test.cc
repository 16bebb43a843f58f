#include "replay/engine/subject.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "replay/trace/error.h"
#include "tests/support/temp_folder.h"

namespace replay {
namespace {

std::string error_of(const std::string& name, const std::string& dir) {
  try {
    resolve_subject(name, dir);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kUsage);
    return error.what();
  }
  return "no error";
}

TEST(SubjectTest, RegisteredNamesKeepTheirBinding) {
  const Subject mem = resolve_subject("mem", PROGRAM_DIR);
  EXPECT_EQ(mem.binding, mem::Binding::kPreload);
  EXPECT_TRUE(mem.library.ends_with("/lib/libmem.so"));
  EXPECT_EQ(mem.instance, "glibc");
  EXPECT_EQ(resolve_subject("glibc", PROGRAM_DIR), glibc_subject(mem::Binding::kPreload));
  const Subject classic = resolve_subject("mem-classic", PROGRAM_DIR);
  EXPECT_EQ(classic.binding, mem::Binding::kInProcess);
  EXPECT_EQ(classic.instance, "mem-classic");
}

TEST(SubjectTest, UnknownNamesAreRefusedWithTheKnownOnes) {
  EXPECT_THAT(
      error_of("jemalloc", PROGRAM_DIR),
      ::testing::AllOf(::testing::HasSubstr("'jemalloc'"), ::testing::HasSubstr("mem-classic")));
}

TEST(SubjectTest, PathsMustBeSharedLibraries) {
  test::TempFolder dir;
  EXPECT_THAT(error_of("/nowhere/libx.so", PROGRAM_DIR), ::testing::HasSubstr("cannot read"));
  std::ofstream(dir / "text.so") << "not a library";
  EXPECT_THAT(error_of(dir / "text.so", PROGRAM_DIR), ::testing::HasSubstr("no ELF header"));
}

TEST(SubjectTest, APathIsPreloadedUnderItsFileName) {
  const std::string path = resolve_subject("mem", PROGRAM_DIR).library;
  const Subject subject = resolve_subject(path, PROGRAM_DIR);
  EXPECT_EQ(subject.name, "libmem.so");
  EXPECT_EQ(subject.binding, mem::Binding::kPreload);
}

TEST(SubjectTest, LibrariesOfOneNameAreToldApartByTheirFolders) {
  const auto of = [](const std::string& library) {
    return Subject{library.substr(library.rfind('/') + 1), mem::Binding::kPreload, library,
                   "glibc"};
  };
  std::vector<Subject> subjects = {of("/a/old/lib/libx.so"), of("/a/new/lib/libx.so"),
                                   of("/lib/libx.so"), of("/a/old/lib/liby.so"),
                                   glibc_subject(mem::Binding::kPreload)};
  tell_apart(subjects);
  EXPECT_EQ(subjects[0].name, "old/lib/libx.so");
  EXPECT_EQ(subjects[1].name, "new/lib/libx.so");
  EXPECT_EQ(subjects[2].name, "/lib/libx.so");
  EXPECT_EQ(subjects[3].name, "liby.so");
  EXPECT_EQ(subjects[4].name, "glibc");
  std::vector<Subject> same = {of("/a/libx.so"), of("/a/libx.so")};  // an allocator and itself
  tell_apart(same);
  EXPECT_EQ(same[0].name, "libx.so");
}

}  // namespace
}  // namespace replay
