# Installs mem for those who build against it: find_package(mem) gives mem::mem, the shared library
# that also serves malloc, and mem::static, the C face alone; pkg-config's `mem` is the shared one.
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/mem)
set_target_properties(mem_static PROPERTIES EXPORT_NAME static)
install(TARGETS mem mem_static EXPORT mem-targets)
install(FILES include/mem.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT mem-targets NAMESPACE mem:: DESTINATION ${package_dir})

configure_package_config_file(mem-config.cmake.in mem-config.cmake
  INSTALL_DESTINATION ${package_dir} NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(mem-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/mem-config.cmake
              ${CMAKE_CURRENT_BINARY_DIR}/mem-config-version.cmake
        DESTINATION ${package_dir})

# The prefix is said relative to the file, so that an installed tree may move.
file(RELATIVE_PATH MEM_PC_TO_PREFIX /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(mem.pc.in mem.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/mem.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
