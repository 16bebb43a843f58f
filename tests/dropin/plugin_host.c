/* A C program without a C++ runtime, until it loads the C++ code that its argument names; that
 * code's main() decides how it ends. */
#include <dlfcn.h>
#include <stdio.h>

int main(int argc, char** argv) {
  void* plugin = argc == 2 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
  int (*entry)(void) = NULL;
  if (plugin != NULL) *(void**)&entry = dlsym(plugin, "main");
  if (entry == NULL) {
    fprintf(stderr, "plugin_host: %s\n", argc == 2 ? dlerror() : "expected the path of a plugin");
    return 2;
  }
  return entry();
}
