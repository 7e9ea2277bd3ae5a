/* Hides instructions of an x86-64 processor from a program, so that it can be timed as on an older one.

   gcc -O1 -shared -fPIC benchmarks/mask_cpuid.c -o mask_cpuid.so
   LD_PRELOAD=./mask_cpuid.so python -m benchmarks.peers --decoded --limit 60

   It hides 8-bit dot products (VNNI), AMX and bfloat16; with MASK_AVX512 in the environment all of AVX-512 too.
   CPUID is made to fault (Linux; the processor must support it), and the handler answers without these bits. */

#define _GNU_SOURCE
#include <asm/prctl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#define ALLOWED(on) syscall(SYS_arch_prctl, ARCH_SET_CPUID, on)

static int without_avx512;

static void answer(int number, siginfo_t *info, void *context) {
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    const unsigned char *instruction = (const unsigned char *)registers[REG_RIP];
    if (instruction[0] != 0x0f || instruction[1] != 0xa2) {
        signal(SIGSEGV, SIG_DFL); /* some other fault */
        return;
    }
    unsigned leaf = registers[REG_RAX], subleaf = registers[REG_RCX], a, b, c, d;
    ALLOWED(1);
    __asm__ volatile("cpuid" : "=a"(a), "=b"(b), "=c"(c), "=d"(d) : "a"(leaf), "c"(subleaf));
    ALLOWED(0);
    if (leaf == 7 && subleaf == 0) {
        c &= ~(1u << 11);                                       /* AVX512_VNNI */
        d &= ~(1u << 22 | 1u << 23 | 1u << 24 | 1u << 25);      /* AMX, AVX512_FP16 */
        if (without_avx512) {
            b &= ~(1u << 16 | 1u << 17 | 1u << 21 | 1u << 28 | 1u << 30 | 1u << 31);
            c &= ~(1u << 1 | 1u << 6 | 1u << 12 | 1u << 14);
        }
    }
    if (leaf == 7 && subleaf == 1) {
        a &= ~(1u << 4 | 1u << 5);                              /* AVX_VNNI, AVX512_BF16 */
        d &= ~(1u << 4 | 1u << 5 | 1u << 10);                   /* AVX_VNNI_INT8, AVX_NE_CONVERT, AVX_VNNI_INT16 */
    }
    registers[REG_RAX] = a, registers[REG_RBX] = b, registers[REG_RCX] = c, registers[REG_RDX] = d;
    registers[REG_RIP] += 2;
}

__attribute__((constructor)) static void begin(void) {
    struct sigaction action = {.sa_sigaction = answer, .sa_flags = SA_SIGINFO | SA_NODEFER};
    without_avx512 = getenv("MASK_AVX512") != NULL;
    sigaction(SIGSEGV, &action, NULL);
    if (ALLOWED(0)) {
        static const char message[] = "mask_cpuid: this processor's CPUID cannot be made to fault\n";
        (void)!write(2, message, sizeof message - 1);
        _exit(1);
    }
}
