#include "warnings.h"

#define MOST_WARNINGS 4096 // bytes

static GMutex lock;
static char warnings[MOST_WARNINGS];

static void
collect(const char *domain, GLogLevelFlags level, const char *message, void *unused)
{
	g_mutex_lock(&lock);
	g_strlcat(warnings, message, sizeof(warnings) - 1);
	g_strlcat(warnings, "\n", sizeof(warnings));
	g_mutex_unlock(&lock);
}

void
presize_collect_warnings(void)
{
	g_log_set_handler("VIPS", G_LOG_LEVEL_WARNING, collect, NULL);
}

char *
presize_take_warnings(void)
{
	g_mutex_lock(&lock);
	char *taken = g_strdup(warnings);
	warnings[0] = 0;
	g_mutex_unlock(&lock);
	return taken;
}
