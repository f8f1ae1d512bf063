// The few declarations of Android and WorkManager 2.10 that api/MOBILE.md uses, to compile it
// without the Android SDK. https://developer.android.com/reference/androidx/work/package-summary

package androidx.work

import android.content.Context
import java.util.concurrent.TimeUnit

class WorkerParameters

class Data(private val values: Map<String, Any?>) {
    fun getString(key: String): String? = values[key] as String?
}

fun workDataOf(vararg pairs: Pair<String, Any?>): Data = Data(pairs.toMap())

abstract class ListenableWorker(val applicationContext: Context) {
    abstract class Result {
        companion object {
            @JvmStatic fun success(): Result = object : Result() {}
            @JvmStatic fun retry(): Result = object : Result() {}
            @JvmStatic fun failure(outputData: Data): Result = object : Result() {}
        }
    }

    val inputData: Data = Data(emptyMap())
}

@Suppress("UNUSED_PARAMETER")
abstract class CoroutineWorker(appContext: Context, params: WorkerParameters) : ListenableWorker(appContext) {
    abstract suspend fun doWork(): Result
}

enum class NetworkType { CONNECTED }

enum class BackoffPolicy { EXPONENTIAL }

enum class ExistingWorkPolicy { KEEP }

class Constraints {
    class Builder {
        fun setRequiredNetworkType(networkType: NetworkType): Builder = apply { networkType.name }
        fun build(): Constraints = Constraints()
    }
}

class OneTimeWorkRequest {
    @Suppress("UNUSED_PARAMETER")
    class Builder(workerClass: Class<out ListenableWorker>) {
        fun setInputData(inputData: Data): Builder = this
        fun setConstraints(constraints: Constraints): Builder = this
        fun setBackoffCriteria(backoffPolicy: BackoffPolicy, backoffDelay: Long, timeUnit: TimeUnit): Builder = this
        fun build(): OneTimeWorkRequest = OneTimeWorkRequest()
    }
}

inline fun <reified W : ListenableWorker> OneTimeWorkRequestBuilder(): OneTimeWorkRequest.Builder =
    OneTimeWorkRequest.Builder(W::class.java)

abstract class WorkManager {
    abstract fun enqueueUniqueWork(uniqueWorkName: String, existingWorkPolicy: ExistingWorkPolicy, request: OneTimeWorkRequest)

    companion object {
        @JvmStatic fun getInstance(context: Context): WorkManager = error("not on a phone: $context")
    }
}
