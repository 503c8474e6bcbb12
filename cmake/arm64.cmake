# Toolchain: Debian's cross compiler for 64-bit ARM, against the packages that `./setup arm64` unpacks below build/.
# Programs (protoc) are this machine's, libraries and headers are the sysroot's, and tests run under qemu's user mode;
# which processor it plays is each test's QEMU_CPU.
# Plain armv8-a: the Pi 3, 4 and Zero 2 have no AES instructions and no SVE.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)

get_filename_component(SYN_SYSROOT "${CMAKE_CURRENT_LIST_DIR}/../build/sysroot-arm64" ABSOLUTE)
if(NOT EXISTS "${SYN_SYSROOT}/.made-from")
  message(FATAL_ERROR "${SYN_SYSROOT} is not there: ./setup arm64 makes it")
endif()
set(CMAKE_SYSROOT "${SYN_SYSROOT}")
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
# Libraries that our libraries need are found where the system will look for them.
set(CMAKE_EXE_LINKER_FLAGS_INIT "-Wl,-rpath-link,${SYN_SYSROOT}/usr/lib/aarch64-linux-gnu")

set(CMAKE_FIND_ROOT_PATH "${SYN_SYSROOT}")
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
set(ENV{PKG_CONFIG_SYSROOT_DIR} "${SYN_SYSROOT}")
set(ENV{PKG_CONFIG_LIBDIR} "${SYN_SYSROOT}/usr/lib/aarch64-linux-gnu/pkgconfig:${SYN_SYSROOT}/usr/share/pkgconfig")
set(ENV{PKG_CONFIG_PATH} "")

find_program(SYN_QEMU qemu-aarch64-static)
if(SYN_QEMU)
  set(CMAKE_CROSSCOMPILING_EMULATOR "${CMAKE_COMMAND};-E;env;QEMU_LD_PREFIX=${SYN_SYSROOT};${SYN_QEMU}")
endif()
