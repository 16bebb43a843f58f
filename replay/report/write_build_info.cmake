# Writes build_info.cc; run at every build, touches the file only if something changed.
execute_process(COMMAND git describe --always --dirty --abbrev=12 --exclude=*
                WORKING_DIRECTORY ${SOURCE_DIR}
                OUTPUT_VARIABLE GIT_REVISION OUTPUT_STRIP_TRAILING_WHITESPACE
                ERROR_QUIET RESULT_VARIABLE failed)
if(failed)
  set(GIT_REVISION unknown)
endif()
configure_file(${INPUT} ${OUTPUT} @ONLY)
